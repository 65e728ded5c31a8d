"""What all live sources share: calls that never wait longer than a second for a device."""

from __future__ import annotations

from abc import ABC, abstractmethod

from faceapp.errors import SourceError
from faceapp.sources.live_capture import Capture, Device
from faceapp.sources.outage import Outage
from faceapp.types import Frame

# read(), open() and close() give back control this soon whatever the driver does; the limit is 1 s each.
_READ_WAIT_S = 0.7
_OPEN_WAIT_S = 0.8
_CLOSE_WAIT_S = 0.7


class LiveSource(ABC):
    """A device that frames come from by themselves; whoever is late gets the newest.

    The device is opened, read and closed on a daemon thread. When it can't be opened the first time, `open`
    or the next `read` says why. Once it has worked, a loss only changes `status`: the thread tries again after
    0.5, 1, 2, 4 and then every 8 seconds.
    """

    live = True

    def __init__(self, name: str) -> None:
        """Remember the name; nothing is opened.

        Args:
            name: Shown to people.
        """
        self.name = name
        self._capture: Capture | None = None
        self._past_outages: tuple[Outage, ...] = ()

    @property
    def ended(self) -> bool:
        """True once no further frame will come: never, unless a URL turned out to be a recording."""
        return self._capture is not None and self._capture.ended

    @property
    def status(self) -> str:
        """What is wrong at the moment, in a few words; empty when all is well."""
        return "" if self._capture is None else self._capture.status()

    @property
    def outages(self) -> tuple[Outage, ...]:
        """When nothing came since it was last opened, in order; stays known after `close`."""
        return self._past_outages if self._capture is None else self._capture.outages

    def open(self) -> None:
        """Start the thread and wait shortly for the first picture.

        Raises:
            SourceError: The device said at once that it can't be opened.
        """
        self.close()
        self._capture = Capture(self.name, self._connect)
        self._capture.start()
        self._capture.wait_for_first(_OPEN_WAIT_S)

    def read(self) -> Frame | None:
        """Return the newest frame that was not returned yet, or None when none came for now.

        Raises:
            SourceError: The source is not open, or the device could not be opened the first time.
        """
        if self._capture is None:
            raise SourceError(f"{self.name}: expected an open source, found a closed one; call open() first")
        return self._capture.take(_READ_WAIT_S)

    def close(self) -> None:
        """Stop the thread; a driver that hangs is left to itself and released when it answers."""
        capture, self._capture = self._capture, None
        if capture is not None:
            self._past_outages = capture.outages
            capture.stop(_CLOSE_WAIT_S)

    @abstractmethod
    def _connect(self) -> Device:
        """Open the device, on the capture thread; may take long.

        Raises:
            SourceError: It can't be opened.
        """
