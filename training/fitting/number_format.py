"""The number format of a forward pass: bfloat16 where the device computes in it, float32 elsewhere."""

from __future__ import annotations

from functools import cache

import torch


def autocast(device: torch.device, bfloat16: bool) -> torch.autocast:
    """Return the context of a forward pass.

    A processor without bfloat16 would convert every number back and forth: BKNet trains at 3 faces a second on one core
    of an AVX2 processor in bfloat16, at 77 in float32.

    Args:
        device: Where it runs.
        bfloat16: Compute in bfloat16 where the device can; False computes in float32 everywhere.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=bfloat16 and computes_in_bfloat16(device.type))


@cache
def computes_in_bfloat16(device_type: str) -> bool:
    """Return whether this machine's "cpu" or "cuda" device multiplies in bfloat16 itself."""
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return any(found for name, found in torch.cpu.get_capabilities().items() if name.endswith("bf16"))
