from __future__ import annotations

import dataclasses
from pathlib import Path

from engines.measure.bench import PLAIN
from training.commands.bench import PLAIN_PYTORCH, bench
from training.exporting.export import export_model
from training.recipes import multitask


def test_every_way_to_run_a_model_gets_a_row(tmp_path: Path) -> None:
    config = multitask.Config(size=16, net_settings={"widths": [8, 8, 16, 16]})
    about = {"name": "multitask", "config": dataclasses.asdict(config)}
    card = dataclasses.replace(multitask.draft_card(config), recipe=about)
    export_model(multitask.build_net(config).eval(), card, tmp_path)

    report = bench(tmp_path, [1, 2], rounds=2)

    assert {PLAIN, PLAIN_PYTORCH, "onnxruntime"} <= {row.backend for row in report.rows}
    assert {row.batch for row in report.rows} == {1, 2}
    assert all(0 < row.p50_ms <= row.p95_ms <= row.p99_ms for row in report.rows)
