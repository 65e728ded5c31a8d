"""The queue of files as people see it: a page over the window, worked off while the picture goes on."""
