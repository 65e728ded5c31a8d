"""The program: sources, tracking, analysis, sessions, window and command lines."""
