"""Many inputs one after the other or side by side: a queue that can be stopped and taken up again."""
