"""The multi-task networks' settings and losses, which several recipes share."""
