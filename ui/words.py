"""What pages show in words: states, what a person typed, and (from core/words.py) numbers."""

import re
from collections import Counter
from collections.abc import Mapping

from core.words import count, duration, in_points, lr, moment, percent, points, short_count, signed, size

__all__ = [
    "STATE_COLORS",
    "STATE_ICONS",
    "count",
    "distinct",
    "duration",
    "in_points",
    "lr",
    "moment",
    "percent",
    "plain",
    "points",
    "short_count",
    "signed",
    "size",
    "state_badge",
]

STATE_ICONS = {
    "queued": ":material/schedule:",
    "running": ":material/play_circle:",
    "stopping": ":material/pending:",
    "stopped": ":material/stop_circle:",
    "finished": ":material/check_circle:",
    "failed": ":material/error:",
    "interrupted": ":material/power_off:",
    "damaged": ":material/broken_image:",
}
STATE_COLORS = {
    "queued": "gray",
    "running": "blue",
    "stopping": "blue",
    "stopped": "orange",
    "finished": "green",
    "failed": "red",
    "interrupted": "orange",
    "damaged": "red",
}

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&])")
_TAKEN_FOR_MORE = re.compile(r"(?i)((?:https?|www)(?=[:.])|@(?=\w)|:(?=[\w+/-]+:))")
"""Where an address or a shortcode such as ':icon:' begins. Pages look for these in what Markdown leaves,
where a backslash no longer shows."""
_BREAK = "\N{ZERO WIDTH SPACE}"


def plain(text: str) -> str:
    """What a person typed, so that Markdown shows it as it is: no link, no icon, no emphasis."""
    apart = _TAKEN_FOR_MORE.sub(rf"\1{_BREAK}", text)
    return _MARKDOWN.sub(r"\\\1", apart).replace("\n", " ")


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels by id, with the id behind those that are there twice: a select tells its options apart by
    what is shown of them alone."""
    seen = Counter(labels.values())
    return {key: label if seen[label] == 1 else f"{label} · {key}" for key, label in labels.items()}


def state_badge(state: str) -> str:
    """A state as a coloured Markdown badge."""
    return f":{STATE_COLORS[state]}-badge[{STATE_ICONS[state]} {state}]"
