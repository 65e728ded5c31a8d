"""What is read of a frame's faces, and shown of how: no threads, no window."""
