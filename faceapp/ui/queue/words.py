"""How the queue is told in words."""

from __future__ import annotations

from faceapp.batch.queue_items import Item, Look, State

STATE_WORDS: dict[State, str] = {
    "waiting": "waiting",
    "running": "starting",
    "stopping": "stopping",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}


def time_words(left_s: float) -> str:
    """Return a rough duration: "8 s", "3 min", "2 h 10 min"."""
    if left_s < 55:
        return f"{max(1, round(left_s))} s"
    minutes = max(1, round(left_s / 60))
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def item_words(item: Item) -> str:
    """Return what there is to say about an input beside its progress."""
    if item.state == "failed":
        return item.problem
    if item.state in ("running", "stopping"):
        frames = f"{item.frames} frames" if item.frames else "loading the model"
        return frames if item.left_s is None else f"{frames}, {time_words(item.left_s)} left"
    if item.state == "done":
        return f"{item.frames} frames" if item.frames else "finished earlier"
    return f"about {item.expected} frames" if item.expected else ""


def look_words(look: Look, stopping: bool) -> str:
    """Return the line about the whole queue."""
    if not look.items:
        return ""
    parts = [f"{look.count('done')} of {len(look.items)} done"]
    parts += [f"{number} {state}" for state in ("failed", "cancelled") if (number := look.count(state))]
    if stopping:
        parts.append("stopping: sessions are being closed")
    elif look.working and look.rate_hz:
        parts.append(f"{look.rate_hz:.0f} frames a second")
        if look.left_s is not None:
            parts.append(f"about {time_words(look.left_s)} left")
    elif look.working:
        parts.append("starting")
    return ", ".join(parts)
