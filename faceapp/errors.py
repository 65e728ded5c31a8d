"""Errors of the program; every text says what was expected, what was found and what to do next."""


class SourceError(RuntimeError):
    """A camera, video, stream, folder or picture can't be opened or read."""


class SessionError(RuntimeError):
    """A session folder can't be written, read or repaired."""


class StreamError(RuntimeError):
    """Values or marks can't be sent to or taken from other programs."""
