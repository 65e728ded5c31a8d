"""One network a file: `INPUT`, `build(classes, size, channels, dropout, ...)`, and `SMALL` where the network is large.

`SMALL` holds the settings of a small network of the same kind, for checks that need the graph but not its size.
"""
