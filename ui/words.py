"""What pages show in words: states, verdicts, what a person typed, and (from core/words.py) numbers."""

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
    "unique",
    "verdict_badge",
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

_VERDICTS = {
    "better": ":green-badge[:material/trending_up: better]",
    "worse": ":red-badge[:material/trending_down: worse]",
    "open": ":gray-badge[:material/question_mark: open]",
    "incomparable": ":orange-badge[:material/block: not comparable]",
}

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&=])")
_TAKEN_FOR_MORE = re.compile(r"(?i)((?:https?|www)(?=[:.])|@(?=\w)|:(?=[\w+/-]+:))")
"""Where an address or a shortcode such as ':icon:' begins. Pages look for these in what Markdown leaves,
where a backslash no longer shows."""
_BREAK = "\N{ZERO WIDTH SPACE}"


def plain(text: str) -> str:
    """What a person typed, as one line that Markdown shows as it is: no link, no icon, no emphasis, no
    heading."""
    apart = _TAKEN_FOR_MORE.sub(rf"\1{_BREAK}", " ".join(text.splitlines()))
    return _MARKDOWN.sub(r"\\\1", apart)


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels by id, with the id behind those that are there twice: a select tells its options apart by
    what is shown of them alone."""
    seen = Counter(labels.values())
    return {key: label if seen[label] == 1 else f"{label} · {key}" for key, label in labels.items()}


def unique(names: Mapping[str, str]) -> dict[str, str]:
    """Names by id, each once: those that are there twice get the end of their ids with it, or all of it."""
    found = dict(names)
    for length in (4, 100):
        seen = Counter(found.values())
        found = {
            key: name if seen[name] == 1 else f"{names[key]} ({key[-length:]})" for key, name in found.items()
        }
    return found


def state_badge(state: str) -> str:
    """A state as a coloured Markdown badge."""
    return f":{STATE_COLORS[state]}-badge[{STATE_ICONS[state]} {state}]"


def verdict_badge(kind: str) -> str:
    """A verdict as a coloured Markdown badge."""
    return _VERDICTS[kind]
