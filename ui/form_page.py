"""The form of the page New run: its head, its groups, its data sets, its style."""

from typing import Any

import streamlit as st

from core.augment import describe
from core.data import DamagedDataset, DatasetInfo, Library
from core.files import to_json
from core.recipe import Recipe, choose
from core.runs import RunStore
from core.train import available_devices
from ui import form, form_cells, preflight_view
from ui.draft import Draft, DraftFolder, can_go_back, go_back
from ui.form_checks import Checked
from ui.form_sources import LOADED, show_sources
from ui.links import page_path
from ui.words import count, plain

GROUPS = {
    "Data": ("data",),
    "Architecture": ("architecture",),
    "Augmentations": ("augmentations", "mixing"),
    "Optimizer & schedule": ("optimizer", "clip_norm", "scheduler", "warmup", "ema"),
    "Training": (
        "batch_size",
        "epochs",
        "seed",
        "loss",
        "normalization",
        "precision",
        "compile",
        "device",
        "launcher",
    ),
    "Checkpoints": ("checkpoints",),
}
"""Under which heading a recipe's root fields stand."""

STYLE = (
    form_cells.STYLE
    + preflight_view.STYLE
    + """<style>
[data-testid="stColumn"]:has(.st-key-preflight) { align-self: flex-start; }
@media (min-width: 1150px) {
  [data-testid="stColumn"]:has(.st-key-preflight) {
    position: sticky; top: 3.75rem; max-height: calc(100vh - 4.25rem); overflow-y: auto;
    padding-right: 0.5rem; scrollbar-width: thin;
  }
}
@media (max-width: 1149px) {
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] .st-key-preflight) {
    flex-direction: column;
  }
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] .st-key-preflight)
    > [data-testid="stColumn"] { width: 100%; flex: 1 1 auto; }
}
.st-key-preflight [data-testid="stMetricValue"] { font-size: 1.25rem; font-variant-numeric: tabular-nums; }
</style>"""
)
"""The pre-flight stays in sight beside a long form, and stands below it where there is little room."""


def drafts_of(store: RunStore) -> DraftFolder:
    """Where the drafts of this workspace lie."""
    return DraftFolder(store.folder / ".drafts")


def datasets_of(library: Library) -> tuple[dict[str, DatasetInfo], list[DamagedDataset]]:
    """The data sets by name, and those that cannot be read."""
    found = library.list()
    whole = {info.name: info for info in found if isinstance(info, DatasetInfo)}
    return whole, [info for info in found if isinstance(info, DamagedDataset)]


def choose_only_dataset(draft: Draft, datasets: dict[str, DatasetInfo]) -> None:
    """A draft that names no data set gets the one that was imported last."""
    data = draft["recipe"]["data"]
    if not data["name"] and datasets:
        data["name"] = max(datasets.values(), key=lambda info: info.created_at).name


def show_head(draft: Draft) -> None:
    """Title, where settings come from, and how many of them are shown."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.title("New run", width="stretch")
        if can_go_back():
            st.button(
                "Back to the draft before",
                icon=":material/undo:",
                type="tertiary",
                key="go_back",
                on_click=go_back,
            )
        show_sources(draft)
        st.download_button(
            "Recipe",
            to_json(draft["recipe"], indent=1) + "\n",
            file_name=f"{_file_name(draft)}.json",
            mime="application/json",
            icon=":material/download:",
            key="download_recipe",
            on_click="ignore",
            help="All settings as a JSON file, for another machine, the command line or a colleague.",
        )
        key = f"{draft['id']}:view"
        st.session_state.setdefault(key, draft["view"])

        def take() -> None:
            draft["view"] = st.session_state[key] or draft["view"]

        st.segmented_control(
            "View",
            ["basic", "expert"],
            required=True,
            format_func=str.capitalize,
            key=key,
            on_change=take,
            label_visibility="collapsed",
            help="Expert shows every setting there is.",
        )


def _file_name(draft: Draft) -> str:
    """A file name from what the person called the run."""
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in draft["name"].strip())
    return kept.strip("-")[:60] or "recipe"


def show_notice(text: str) -> None:
    """What there is to say once about where the settings came from."""
    if text.startswith(LOADED):
        st.toast(plain(text), icon=":material/check:")
    else:
        st.warning(plain(text), icon=":material/error:")


def show_no_data(damaged: list[DamagedDataset]) -> None:
    """Nothing can be trained yet: say what to do, with the button for it."""
    with st.container(border=True):
        st.subheader("First, some images")
        st.write(
            "A run learns from a data set, and there is none yet. Make the built-in one in a few seconds, "
            "or import a folder, a zip or a known set; this draft waits for you."
        )
        for dataset in damaged:
            st.caption(f":red[{plain(dataset.message)}]")
        if st.button("Go to Data", type="primary", icon=":material/photo_library:", key="go_to_data"):
            st.switch_page(page_path("data"))


def show_form(draft: Draft, checked: Checked, datasets: dict[str, DatasetInfo]) -> None:
    """All settings, in their groups."""
    shown = form.Form(
        spec=Recipe,
        draft=draft["recipe"],
        key=draft["id"],
        expert=draft["view"] == "expert",
        problems=checked.problems,
        choose=choose,
        summary=_summary,
        offers={"data.name": list(datasets), "device": _devices()},
        wording={"data.name": lambda name: dataset_words(name, datasets)},
        blanks={"clip_norm": "no limit"},
    )
    for title, names in GROUPS.items():
        st.markdown(f"##### {title}")
        shown.draw(names, title.split()[0].lower())


def _summary(item: Any) -> str:
    return describe(item)


def _devices() -> list[str]:
    devices = available_devices()
    return ["auto", *devices]


def dataset_words(name: str, datasets: dict[str, DatasetInfo]) -> str:
    """A data set in one line: its classes, images and size."""
    info = datasets.get(name)
    if info is None:
        return f"{name} (not here)" if name else "Choose a data set"
    channels = "grey" if info.channels == 1 else "RGB"
    train, val = info.counts.get("train", 0), info.counts.get("val", 0)
    return (
        f"{name} · {len(info.classes)} classes · {count(train)} train, {count(val)} val · "
        f"{info.image_size} px {channels}"
    )
