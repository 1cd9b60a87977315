"""Measurements; results are kept in docs/performance.md. Nothing here is a test."""
