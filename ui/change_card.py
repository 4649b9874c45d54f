"""The card 'what changed → what it did' of two runs."""

import pandas as pd
import streamlit as st

from core.insight.changes import ChangeCard
from core.recipe.fingerprint import SEED_AND_PLACE
from ui.layout import room
from ui.methods import Section, methods
from ui.words import plain

_BADGES = {"same": "gray", "repeat": "blue", "clean": "green", "confounded": "orange"}
_HELP = (
    "Clean: one setting differs, so a difference comes from it or from chance. Confounded: several differ, "
    "and nobody can say which of them did it. A choice with its own settings counts as one. "
    "Whether a difference is more than chance, the verdict says."
)


def change_card_panel(card: ChangeCard, smallest: str = "") -> None:
    """What differs on the left, what came with it on the right; one below the other where there is no
    room. `smallest` says how small a difference the images can show, where no verdict beside it does."""
    with st.container(border=True):
        badge = f":{_BADGES[card.kind]}-badge[{plain(card.kind_words)}]"
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            title = f"**What changed → what it did** {badge} :gray[{plain(_relation(card))}]"
            st.markdown(title, help=_HELP, width="content")
            methods("card", Section.CHANGED, Section.SMALLEST)
        if card.effects and card.means_words:
            st.caption(card.means_words)
        if card.note:
            st.caption(f":orange[:material/warning:] {plain(card.note)}")
        with st.container(horizontal=True, gap="medium"):
            with room("changes"):
                _changes(card)
            if card.effects:
                with st.container(width=520):
                    _effects(card)
        if card.effects and smallest:
            st.caption(plain(smallest))


def _relation(card: ChangeCard) -> str:
    """Which two runs these are, and how they belong together."""
    # It brings scipy along, which no page needs before there is a card.
    from core.insight.diary.entries import RELATIONS

    before, after = card.names
    if card.relation in RELATIONS:
        return f"against {before}, {RELATIONS[card.relation]}"
    return f"from {before} to {after}"


def _changes(card: ChangeCard) -> None:
    if not card.changes:
        st.caption("No setting differs.")
        return
    rows = []
    for change in card.changes:
        beside = change.field.partition(".")[0] in SEED_AND_PLACE
        words = [plain(word) for word in (change.setting, change.old, change.new)]
        rows.append([f":gray[{word}]" for word in words] if beside else words)
    st.table(pd.DataFrame(rows, columns=["Setting", "Before", "After"]).set_index("Setting"))


def _effects(card: ChangeCard) -> None:
    rows = []
    for effect in card.effects:
        before, after, difference = effect.words
        rows.append([effect.label, before, after, f"**{plain(difference)}**"])
    st.table(pd.DataFrame(rows, columns=["Figure", "Before", "After", "Change"]).set_index("Figure"))
