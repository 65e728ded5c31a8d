"""bfloat16 is used where the device computes in it, and nowhere else."""

from __future__ import annotations

import pytest
import torch

from training.fitting import number_format
from training.fitting.number_format import autocast, computes_in_bfloat16

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "wanted", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, True, torch.float32),
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, True, torch.bfloat16),
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": True}, False, torch.float32),
    ],
)
def test_a_product_has_the_format_that_the_processor_computes_in(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], wanted: bool, expected: torch.dtype
) -> None:
    computes_in_bfloat16.cache_clear()
    monkeypatch.setattr(number_format.torch.cpu, "get_capabilities", lambda: capabilities)
    with autocast(CPU, wanted):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    computes_in_bfloat16.cache_clear()

    assert product.dtype == expected


def test_this_processor_is_asked() -> None:
    computes_in_bfloat16.cache_clear()
    asked = torch.cpu.get_capabilities()
    assert computes_in_bfloat16("cpu") == any(asked.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
