"""The figures of a benchmark as text."""

from __future__ import annotations

from typing import Any


def format_bench(figures: dict[str, Any]) -> str:
    """Return the figures of `run_bench` as a few readable lines an input."""
    machine = figures["machine"]
    lines = [
        f"{machine['processor'] or machine['platform']}, {machine['cores']} cores, Python {machine['python']}"
    ]
    for entry in figures["inputs"]:
        lines += ["", *_input_lines(entry)]
    return "\n".join(lines)


def _input_lines(entry: dict[str, Any]) -> list[str]:
    ours, plain = entry["pipeline"], entry["plain_loop"]
    ratios = " ".join(f"{ratio:.2f}" for ratio in entry["ratios"])
    lines = [
        f"{entry['input']} ({entry['kind']}, {entry['faces_mean']:.2f} faces a frame), {entry['engines']}",
        f"  pipeline   {ours['frames_per_second']:7.1f} frames a second",
        f"  plain loop {plain['frames_per_second']:7.1f} frames a second, looking for {plain['max_faces']}",
        f"  ratio      {entry['ratio']:7.2f}   rounds: {ratios}",
        *_stage_lines(ours["stages_ms"]),
    ]
    if "live" in entry:
        lines += _live_lines(entry["live"])
    if "memory" in entry:
        memory = entry["memory"]
        lines.append(
            f"  memory over {memory['frames']} frames: {memory['warm_mib']:.0f} MiB warm, "
            f"{memory['peak_mib']:.0f} MiB at most, growth {memory['growth_mib']:.1f} MiB"
        )
    if "labels" in entry:
        lines.append(_label_line(entry["labels"]))
    return lines


def _label_line(labels: dict[str, Any]) -> str:
    rounds = " ".join(f"{added_ms:.2f}" for added_ms in labels["rounds_processor_ms"])
    return (
        f"  labels {', '.join(labels['names'])}: {labels['added_processor_ms']:.2f} ms of the processor more a frame "
        f"(rounds: {rounds}), by the clock {labels['added_ms']:.2f} ms"
    )


def _live_lines(live: dict[str, Any]) -> list[str]:
    return [
        f"  live at {live['rate_hz']:g} frames a second: {live['captured']} captured, "
        f"{live['analysed']} analysed, {live['dropped']} dropped, {live['missed']} missed",
        *_stage_lines(live["stages_ms"]),
    ]


def _stage_lines(stages_ms: dict[str, dict[str, float]]) -> list[str]:
    header = f"    {'milliseconds':<18}{'p50':>8}{'p95':>8}{'p99':>8}"
    rows = [
        f"    {stage:<18}{times['p50']:8.2f}{times['p95']:8.2f}{times['p99']:8.2f}"
        for stage, times in stages_ms.items()
    ]
    return [header, *rows]
