"""drugflow: public drug-flow data as immutable vintages, revision history, tested marts and releases."""
