"""One data set a file, and what prepares, changes and mixes their faces."""
