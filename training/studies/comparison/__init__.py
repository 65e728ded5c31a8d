"""Many settings side by side on the same validation faces."""
