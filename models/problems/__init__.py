"""One module per domain."""
