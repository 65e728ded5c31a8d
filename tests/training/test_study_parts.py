"""What studies share: a folder belongs to one plan, work stops when the time is over, every study has a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.__main__ import main
from training.errors import RecipeError
from training.names import load, names_in
from training.study_parts import pieces
from training.study_parts.pieces import claim_folder, within


def test_a_folder_belongs_to_one_plan(tmp_path: Path) -> None:
    claim_folder(tmp_path / "out", {"steps": 3, "seeds": (1, 2)})
    claim_folder(tmp_path / "out", {"steps": 3, "seeds": (1, 2)})

    with pytest.raises(
        RecipeError, match=r"plan\.json: expected this study's plan, found one with other seeds; "
    ):
        claim_folder(tmp_path / "out", {"steps": 3, "seeds": (1,)})
    (tmp_path / "out" / "plan.json").write_text("{")
    with pytest.raises(RecipeError, match="found one with other steps"):
        claim_folder(tmp_path / "out", {"steps": 3})


def test_no_piece_is_begun_after_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = iter([0.0, 0.0, 59.0, 61.0])
    monkeypatch.setattr(pieces.time, "monotonic", lambda: next(now_s))

    assert list(within(1, "abcd")) == ["a", "b"]


def test_without_a_limit_all_pieces_are_made() -> None:
    assert list(within(None, "abcd")) == list("abcd")


@pytest.mark.parametrize("name", names_in("studies"))
def test_every_study_has_a_command_that_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["study", name, "--help"])

    assert ended.value.code == 0
    first_words = " ".join((load(f"studies.{name}", "command").__doc__ or "").split()[:3])
    told = " ".join(capsys.readouterr().out.split())
    assert f"python -m training study {name}" in told and first_words in told
