"""drugflow: public drug-flow data as immutable vintages, revision history, tested marts and releases."""

import os

# Read by the allocator of Polars when it is imported. Memory that was freed stays for two seconds: steps over pieces of
# a large file take it again at once, and giving it back in between costs a quarter of their time.
os.environ.setdefault("_RJEM_MALLOC_CONF", "background_thread:true,dirty_decay_ms:2000,muzzy_decay_ms:0")
