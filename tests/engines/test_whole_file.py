from __future__ import annotations

import os
from pathlib import Path

import pytest

from engines import whole_file
from engines.whole_file import part_of, put_in_place, write_whole

POSIX = pytest.mark.skipif(os.name == "nt", reason="links and folders of POSIX")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what is asked of the disk, in order: which file or folder is waited for, what is renamed to what."""
    made: list[str] = []
    fsync, replace = os.fsync, os.replace

    def waited(handle: int) -> None:
        made.append(f"wait for {Path(os.readlink(f'/proc/self/fd/{handle}')).name}")
        fsync(handle)

    def renamed(old: Path, new: Path) -> None:
        made.append(f"{Path(old).name} becomes {Path(new).name}")
        replace(old, new)

    monkeypatch.setattr(whole_file.os, "fsync", waited)
    monkeypatch.setattr(whole_file.os, "replace", renamed)
    return made


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="names of open files are Linux's")
def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, calls: list[str]
) -> None:
    write_whole(tmp_path / "a.json", "text")
    part = part_of(tmp_path / "a.json").name
    assert calls == [f"wait for {part}", f"{part} becomes a.json", f"wait for {tmp_path.name}"]


@pytest.mark.parametrize(
    ("content", "stored"), [("Grüße\n", "Grüße\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")]
)
def test_an_older_file_is_replaced(tmp_path: Path, content: str | bytes, stored: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"older and longer")
    write_whole(path, content)
    assert path.read_bytes() == stored and [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_an_error_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"older")
    with pytest.raises(ZeroDivisionError), whole_file.whole_file(path) as stream:
        stream.write(b"half")
        1 / 0  # noqa: B018
    assert path.read_bytes() == b"older" and [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")
def test_a_really_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_file, "_new_file", lambda part: Path("/dev/full").open("wb"))  # noqa: SIM115
    with pytest.raises(OSError, match="No space left on device"):
        write_whole(tmp_path / "plan", b"x" * 100_000)
    assert not list(tmp_path.iterdir())


@POSIX
def test_links_are_replaced_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"theirs")
    folder = tmp_path / "ours"
    folder.mkdir()
    for link in (folder / "a", part_of(folder / "a")):
        link.symlink_to(outside)
    write_whole(folder / "a", b"ours")
    assert outside.read_bytes() == b"theirs" and (folder / "a").read_bytes() == b"ours"
    assert not (folder / "a").is_symlink() and len(list(folder.iterdir())) == 1


def test_what_a_library_wrote_gets_its_name(tmp_path: Path) -> None:
    part = part_of(tmp_path / "a")
    part.write_bytes(b"made elsewhere")
    put_in_place(part, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"made elsewhere" and not part.exists()
