"""The player: a recorded session seen again, annotated and compared; opened by `start`."""
