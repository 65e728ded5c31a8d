"""Engines kept on disk: what is loaded and what is built again."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engines import user_cache
from engines.errors import EngineError
from engines.tensorrt.build import Built
from engines.tensorrt.cache import PlanCache, PlanKey

KEY = PlanKey(
    model_sha256="a" * 64,
    library="tensorrt_rtx",
    library_version="1.7.1.116",
    gpu="GeForce 9",
    compute_capability="8.9",
    driver="580.65",
    precision="float16",
)


class Builder:
    """Builds a different plan each time and counts."""

    def __init__(self, size_bytes: int = 100) -> None:
        self.builds = 0
        self.size_bytes = size_bytes
        self.timing_caches: list[bytes] = []

    def __call__(self, timing_cache: bytes) -> Built:
        self.builds += 1
        self.timing_caches.append(timing_cache)
        return Built(bytes([self.builds]) * self.size_bytes, b"times")


@pytest.fixture
def cache(tmp_path: Path) -> PlanCache:
    return PlanCache(tmp_path / "engines")


def test_a_plan_is_built_once(cache: PlanCache) -> None:
    build = Builder()
    first, second = cache.get_or_build(KEY, build), cache.get_or_build(KEY, build)
    assert (first.plan, first.from_cache, first.problem) == (b"\x01" * 100, False, "")
    assert (second.plan, second.from_cache, second.problem) == (b"\x01" * 100, True, "")
    assert build.builds == 1
    assert not list(cache.folder.glob("*.part"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_sha256", "b" * 64),
        ("library", "tensorrt"),
        ("library_version", "1.7.1.117"),
        ("gpu", "GeForce 10"),
        ("compute_capability", "12.0"),
        ("driver", "581.0"),
        ("precision", "float32"),
        ("keep_float32", ("head",)),
        ("profile", (1, 2, 16)),
        ("system", "win32"),
        ("format", 0),
    ],
)
def test_any_difference_is_another_engine(cache: PlanCache, field: str, value: object) -> None:
    build, other = Builder(), replace(KEY, **{field: value})
    cache.get_or_build(KEY, build)
    assert cache.get_or_build(other, build).from_cache is False
    assert cache.get_or_build(KEY, build).from_cache
    # A foreign engine under this key's name is not loaded either.
    for suffix in (".plan", ".json"):
        (cache.folder / f"{other.digest}{suffix}").replace(cache.folder / f"{KEY.digest}{suffix}")
    found = cache.get_or_build(KEY, build)
    assert (found.from_cache, found.plan) == (False, b"\x03" * 100)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)


def _other_json(content: str) -> Callable[[Path], None]:
    return lambda path: path.with_suffix(".json").write_text(content, encoding="utf-8") and None


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut, "damaged (50 of 100 bytes, checksum differs)"),
        (_flip, "damaged (100 of 100 bytes, checksum differs)"),
        (lambda path: path.write_bytes(b""), "damaged (0 of 100 bytes"),
        (lambda path: path.unlink(), ""),
        (lambda path: path.with_suffix(".json").unlink(), ""),
        (_other_json(""), "can't be read"),
        (_other_json("[" * 100_000), "can't be read"),
        (_other_json("[]"), "expected a key beside the kept engine"),
        (_other_json('{"key": 7}'), "of another model, library, library version, GPU,"),
        (_other_json("{}"), "of another model, library, library version, GPU,"),
    ],
)
def test_half_written_and_damaged_engines_are_built_again(
    cache: PlanCache, damage: Callable[[Path], None], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    build = Builder()
    cache.get_or_build(KEY, build)
    damage(cache.folder / f"{KEY.digest}.plan")
    with caplog.at_level(logging.WARNING):
        again = cache.get_or_build(KEY, build)
    assert (again.from_cache, again.plan) == (False, b"\x02" * 100)
    assert said in caplog.text
    assert len(caplog.records) == bool(said), "one line, although it is looked for twice"
    assert cache.get_or_build(KEY, build).from_cache


def test_an_engine_of_another_gpu_under_this_one_s_name_is_told(
    cache: PlanCache, caplog: pytest.LogCaptureFixture
) -> None:
    other = replace(KEY, gpu="GeForce 10", driver="590.1")
    cache.get_or_build(other, Builder())
    for kind in ("plan", "json"):
        (cache.folder / f"{other.digest}.{kind}").rename(cache.folder / f"{KEY.digest}.{kind}")
    with caplog.at_level(logging.WARNING):
        assert not cache.get_or_build(KEY, Builder()).from_cache
    assert "the kept engine is of another GPU, driver; it is built again" in caplog.text


def test_the_key_beside_the_engine_says_what_it_is(cache: PlanCache) -> None:
    cache.get_or_build(KEY, Builder())
    stored = json.loads((cache.folder / f"{KEY.digest}.json").read_text(encoding="utf-8"))
    assert stored["key"]["gpu"] == "GeForce 9"
    assert stored["plan_bytes"] == 100
    if sys.platform != "win32":
        assert cache.folder.stat().st_mode & 0o777 == 0o700


def test_a_full_disk_costs_the_keeping_not_the_engine(
    cache: PlanCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(user_cache.os, "fsync", full)
    build = Builder()
    with caplog.at_level(logging.WARNING):
        found = cache.get_or_build(KEY, build)
    assert found.plan == b"\x01" * 100
    assert found.problem == (
        f"{cache.folder}: compiled engines can't be kept (No space left on device), so they are built again at "
        "each start; make room or let only yourself write there"
    )
    assert caplog.messages == [found.problem]
    assert [path.name for path in cache.folder.iterdir()] == ["build.lock"]
    assert build.builds == 1


@pytest.mark.skipif(sys.platform == "win32", reason="file modes of Unix")
def test_a_folder_that_others_may_write_into_is_not_used(cache: PlanCache) -> None:
    build = Builder()
    cache.get_or_build(KEY, build)
    cache.folder.chmod(0o777)
    found = cache.get_or_build(KEY, build)
    assert (found.from_cache, build.builds) == (False, 2)
    assert "others may write into it" in found.problem


def test_a_file_where_the_folder_should_be_is_a_problem_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("in the way", encoding="utf-8")
    found = PlanCache(tmp_path / "engines").get_or_build(KEY, Builder())
    assert found.plan == b"\x01" * 100
    assert "can't be kept (File exists)" in found.problem


def test_a_failing_build_keeps_nothing_and_frees_the_lock(cache: PlanCache) -> None:
    def fail(_timing_cache: bytes) -> Built:
        raise EngineError("refused")

    for _ in range(2):
        with pytest.raises(EngineError, match="refused"):
            cache.get_or_build(KEY, fail)
    assert not cache.get_or_build(KEY, Builder()).from_cache


def test_the_oldest_used_engines_go_first(tmp_path: Path) -> None:
    cache, build = PlanCache(tmp_path / "engines", limit_bytes=350), Builder()
    keys = [replace(KEY, model_sha256=letter * 64) for letter in "abcd"]
    for age_s, key in zip((400, 300, 200), keys, strict=False):
        cache.get_or_build(key, build)
        path = cache.folder / f"{key.digest}.plan"
        os.utime(path, (time.time() - age_s,) * 2)
    assert cache.get_or_build(keys[0], build).from_cache  # used now: no longer the oldest
    cache.get_or_build(keys[3], build)
    kept = [(cache.folder / f"{key.digest}.plan").exists() for key in keys]
    assert kept == [True, False, True, True]
    assert len(list(cache.folder.glob("*.json"))) == 3


def test_an_engine_larger_than_the_limit_is_kept_alone(tmp_path: Path) -> None:
    cache, build = PlanCache(tmp_path / "engines", limit_bytes=50), Builder()
    other = replace(KEY, driver="581")
    for key in (KEY, other):
        cache.get_or_build(key, build)
    assert cache.get_or_build(other, build).from_cache
    assert not cache.get_or_build(KEY, build).from_cache


def test_what_killed_programs_left_is_removed_when_old(cache: PlanCache) -> None:
    cache.folder.mkdir(mode=0o700)
    old, young = cache.folder / ".x.plan.1.part", cache.folder / ".x.plan.2.part"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    cache.get_or_build(KEY, Builder())
    assert (old.exists(), young.exists()) == (False, True)


def test_shared_files_are_checked(cache: PlanCache) -> None:
    build = Builder()
    cache.get_or_build(KEY, build)
    assert cache.read_shared(KEY, "timing") == b"times"
    cache.get_or_build(replace(KEY, model_sha256="b" * 64), build)
    assert build.timing_caches == [b"", b"times"]
    assert cache.read_shared(replace(KEY, driver="581"), "timing") == b""
    path = cache.folder / f"{KEY.device_digest}.timing"
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    assert cache.read_shared(KEY, "timing") == b""
    cache.write_shared(KEY, "runtime", b"kernels")
    assert cache.read_shared(KEY, "runtime") == b"kernels"
