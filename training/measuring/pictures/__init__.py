"""Pictures of a report; colours stay apart for people who see few of them, and in print without any."""
