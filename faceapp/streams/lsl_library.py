"""Loads Lab Streaming Layer, kept to this machine unless a person opens it, and knows its clock."""

from __future__ import annotations

import threading
import time
from types import ModuleType

from faceapp.errors import StreamError

_THIS_MACHINE = "[multicast]\nResolveScope = machine\n[log]\nlevel = -3\n"
"""Streams are announced and looked for on this computer only; liblsl itself prints nothing but its own failures."""
_lock = threading.Lock()
_scope: list[bool] = []  # whether liblsl was opened to the network, once it has read its configuration


def load_lsl(network: bool) -> ModuleType:
    """Return pylsl, configured.

    Args:
        network: False keeps streams to this machine, whatever a configuration file of liblsl says; True leaves it to
            that file, whose default is the local network.

    Raises:
        StreamError: It is not installed, or was used with the other scope before: liblsl reads its configuration
            once in a program's life.
    """
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:  # RuntimeError: the package without its library
        raise StreamError(
            f"LSL: expected the package pylsl with its library, found {_first_line(error)}; "
            'install it: pip install "faceapp[lsl]"'
        ) from error
    with _lock:
        if not _scope:
            if not network:
                _keep_to_this_machine(pylsl)
            _scope.append(network)
    if _scope[0] is not network:
        wanted, found = ("the network", "this machine") if network else ("this machine", "the network")
        raise StreamError(
            f"LSL: expected to use {wanted}, found it in use for {found}; close faceapp and start it again"
        )
    return pylsl  # type: ignore[no-any-return]


def _keep_to_this_machine(pylsl: ModuleType) -> None:
    try:
        pylsl.set_config_content(_THIS_MACHINE)
    except NotImplementedError as error:  # an older library, named by PYLSL_LIB
        raise StreamError(
            "LSL: expected liblsl 1.17.7 or later, which can be kept to this machine, found an older one; "
            "take PYLSL_LIB away or open LSL to the network"
        ) from error


def lsl_time_s(lsl: ModuleType, captured_s: float) -> float:
    """Return a moment of `time.perf_counter()` on LSL's clock."""
    return float(lsl.local_clock() - (time.perf_counter() - captured_s))


def counter_time_s(lsl: ModuleType, lsl_s: float) -> float:
    """Return a moment of LSL's clock on `time.perf_counter()`."""
    return float(time.perf_counter() - (lsl.local_clock() - lsl_s))


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].strip() if str(error).strip() else type(error).__name__
