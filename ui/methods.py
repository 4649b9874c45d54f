"""How Plateau judges, to be read where it does: sections of docs/insight.md, each behind a small button."""

import re
from enum import StrEnum
from pathlib import Path

import streamlit as st

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "insight.md"
LABEL = "How this is judged"
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)\n*")


class Section(StrEnum):
    """The sections that panels show, by their headings."""

    NETWORKS = "Is a difference real? One run a side"
    SETTING = "Is a difference real? Repeats"
    SMALLEST = "How small a difference the val split can show"
    CHANGED = "What changed, and what it did"
    OVERFITTING = "Overfitting"
    NEXT_STEPS = "Next steps"
    ANSWERS = "Classes, errors and flips"
    VOTES = "Test-time augmentation explained"
    DIARY = "The diary"


@st.fragment
def methods(key: str, *sections: Section) -> None:
    """A small button that opens these sections, with assumptions and sources. A click draws nothing anew."""
    if st.button(f":gray[:material/menu_book: {LABEL}]", key=f"methods_{key}", type="tertiary"):
        methods_dialog(sections)


@st.dialog(LABEL, width="large")
def methods_dialog(sections: tuple[Section, ...]) -> None:
    """The sections, one below the other."""
    for section in sections:
        st.markdown(f"#### {section}\n\n{section_text(section)}")
    st.caption("From docs/insight.md, which also has what was measured on real runs.")


def section_text(section: Section) -> str:
    """The whole section without its heading and pictures."""
    try:
        document = DOCUMENT.read_text(encoding="utf-8")
    except OSError:
        return f"{DOCUMENT} cannot be read; it comes with Plateau's source."
    _, found, rest = document.partition(f"\n## {section}\n")
    if not found:
        return "docs/insight.md has no such section; update it together with the app."
    return _PICTURE.sub("", rest.partition("\n## ")[0]).strip()
