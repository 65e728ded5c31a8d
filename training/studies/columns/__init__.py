"""Progressive columns, table V and figure 5 of the paper."""
