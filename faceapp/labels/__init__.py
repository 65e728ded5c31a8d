"""Labels of people's own: taught from marks of recorded sessions, judged, kept in files, read live."""
