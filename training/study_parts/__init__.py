"""What several studies share: options, pieces of work that go on where they stopped, intervals, tables."""
