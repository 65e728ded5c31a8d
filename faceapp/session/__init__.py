"""Sessions: recording, reading, checking, exporting and reporting."""
