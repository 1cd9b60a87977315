"""Rehearsals: the pipeline against agencies of its own, night after night; see docs/operations.md."""
