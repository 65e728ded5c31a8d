"""Which faces come when, and what a batch holds."""
