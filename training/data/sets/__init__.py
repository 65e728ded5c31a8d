"""One data set a file; the file's name is the set's."""
