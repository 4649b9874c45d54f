"""What 'Start from' tells of the presets: of an experiment of the diary, what it reported, what it
changed against the one before, and what had to be assumed."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.recipe import Preset, load_presets, predecessors, reported_words
from core.recipe.words import change_words
from ui.words import plain


@dataclass(frozen=True)
class PresetShown:
    """A preset in words."""

    id: str
    title: str
    group: str
    about: str
    reported: str
    """'train 44.8 %, val 23.5 %'; empty where nothing was reported."""
    readings: tuple[str, ...]
    changes: tuple[tuple[str, str, str], ...]
    """Setting, before, now: against the preset before it in the diary."""
    before: str
    """That preset's title."""


@st.cache_data(show_spinner=False)
def presets_shown() -> list[PresetShown]:
    """All presets; checking their recipes costs more than drawing them."""
    presets = load_presets()
    before = predecessors(presets)
    return [_shown(preset, before.get(preset.id)) for preset in presets]


def _shown(preset: Preset, before: Preset | None) -> PresetShown:
    return PresetShown(
        id=preset.id,
        title=preset.title,
        group=preset.group,
        about=preset.about,
        reported=reported_words(preset),
        readings=preset.readings,
        changes=tuple(change_words(before.recipe, preset.recipe)) if before else (),
        before=before.title if before else "",
    )


def choose_experiment(presets: list[PresetShown], draft_id: str) -> PresetShown | None:
    """One line to search the diary in."""
    by_id = {preset.id: preset for preset in presets}
    chosen = st.selectbox(
        "Experiment",
        list(by_id),
        index=None,
        format_func=lambda preset: _line(by_id[preset]),
        placeholder=f"Choose one of {len(by_id)} experiments, or type to search",
        label_visibility="collapsed",
        key=f"diary-{draft_id}",
    )
    return by_id[chosen] if chosen else None


def _line(preset: PresetShown) -> str:
    return f"{preset.title} · {preset.reported}" if preset.reported else preset.title


def figures_words(preset: PresetShown) -> str:
    """What an experiment reported, and the diary's note on it."""
    reported = f"Reported: {preset.reported}." if preset.reported else "No figures were reported."
    about = f" :gray[{plain(preset.about[:1].upper() + preset.about[1:])}.]" if preset.about else ""
    return f"**{plain(reported)}**{about}"


def show_experiment(preset: PresetShown) -> None:
    """What an experiment changed, and what had to be assumed."""
    if preset.changes:
        st.markdown(f":small[:gray[Changed since {plain(preset.before)}]]")
        st.dataframe(
            pd.DataFrame(list(preset.changes), columns=["Setting", "Before", "Now"]),
            hide_index=True,
            height=min(36 + 30 * len(preset.changes), 190),
            row_height=30,
        )
    if preset.readings:
        st.caption("Read as: " + " ".join(plain(reading) for reading in preset.readings))
