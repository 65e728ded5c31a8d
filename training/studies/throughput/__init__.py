"""Training speed on real batches against one batch in memory."""
