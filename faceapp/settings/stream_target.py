"""What a person writes of streams, checked before anything is sent: a host and a port, the name of a stream."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

DEFAULT_TARGET = "127.0.0.1:9000"
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class OscTarget:
    """A host and a UDP port.

    Attributes:
        host: Name or address.
        port: From 1 to 65535.
    """

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def on_this_machine(self) -> bool:
        """Whether messages stay on this computer; a name other than localhost counts as another one."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_osc_target(text: str) -> OscTarget:
    """Return the target that a text names.

    Args:
        text: HOST:PORT; an IPv6 address stands in brackets.

    Raises:
        ValueError: No host, or no port from 1 to 65535.
    """
    host, colon, port = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    known = host and not set(host) & set(" \t/[]") and (bracketed or ":" not in host)
    if not (colon and known and port.isascii() and port.isdecimal() and 1 <= int(port) <= _HIGHEST_PORT):
        raise ValueError(
            f"expected HOST:PORT with a port from 1 to {_HIGHEST_PORT}, like {DEFAULT_TARGET}, found {text!r}"
        )
    return OscTarget(host, int(port))


def check_stream_name(text: str) -> None:
    """Check the name or type of the streams to read.

    Raises:
        ValueError: It is empty, or holds both kinds of quotes, which no search for a stream (XPath 1.0) can write.
    """
    if not text.strip() or ("'" in text and '"' in text):
        raise ValueError(
            f"expected the name or type of a stream, with one kind of quotes at most, found {text!r}"
        )
