"""The card 'what changed → what it did' of two runs."""

import pandas as pd
import streamlit as st

from core.insight.changes import ChangeCard
from core.recipe.fingerprint import SEED_AND_PLACE
from ui.layout import room
from ui.words import plain

_BADGES = {"same": "gray", "repeat": "blue", "clean": "green", "confounded": "orange"}
_RELATIONS = {
    "clone": "since {}, from which it was cloned",
    "nearest": "since {}, the nearest earlier recipe on the same images",
    "chosen": "from {} to {}",
}
_HELP = (
    "Clean: one setting differs, so a difference comes from it or from chance. Confounded: several differ, "
    "and nobody can say which of them did it. A choice with its own settings counts as one. "
    "Whether a difference is more than chance, the verdict says."
)


def change_card_panel(card: ChangeCard) -> None:
    """What differs on the left, what came with it on the right; one below the other where there is no
    room."""
    with st.container(border=True):
        relation = _RELATIONS[card.relation].format(*(plain(name) for name in card.names))
        badge = f":{_BADGES[card.kind]}-badge[{plain(card.kind_words)}]"
        st.markdown(f"**What changed → what it did** {badge} :gray[{relation}]", help=_HELP)
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
