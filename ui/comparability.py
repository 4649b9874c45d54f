"""What a page says of runs that were judged on different images, wherever it shows them side by side."""

from collections.abc import Sequence

import streamlit as st

from core.insight.outcomes import comparable
from core.runs import RunEntry
from ui.words import plain

MOST_TOLD = 3
"""Sentences beyond these are counted."""


def comparability_warning(entries: Sequence[RunEntry]) -> None:
    """Why accuracies of these runs do not compare, as one warning; nothing where they do."""
    sentences = data_warnings(entries)
    if sentences:
        shown = sentences[:MOST_TOLD]
        if len(sentences) > MOST_TOLD:
            shown.append(f"And {len(sentences) - MOST_TOLD} more.")
        st.warning(plain(" ".join(shown)), icon=":material/warning:")


def data_warnings(entries: Sequence[RunEntry]) -> list[str]:
    """Why accuracies of these runs do not compare, in the words of the verdict.

    Runs that all compare to the first one compare to each other.
    """
    statuses = [entry.status for entry in entries if entry.status]
    found = (comparable(statuses[0], status) for status in statuses[1:])
    return list(dict.fromkeys(sentence for sentence in found if sentence))
