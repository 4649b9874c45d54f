"""Inspect: a run's answers, class by class and image by image; its votes; its checkpoints."""

import streamlit as st

from ui.inspect_checkpoints import show_checkpoints
from ui.inspect_choice import choose, choose_answers, inspectable, scene_of
from ui.inspect_classes import show_classes
from ui.inspect_errors import show_errors
from ui.inspect_flips import show_flips
from ui.inspect_tta import show_tta
from ui.links import go
from ui.looks import looks_sentence
from ui.methods import Section, methods
from ui.problems import told
from ui.services import store
from ui.words import plain

VIEWS = {
    "classes": ":material/grid_on: Classes",
    "errors": ":material/error_outline: Errors",
    "flips": ":material/swap_horiz: Flips",
    "tta": ":material/how_to_vote: TTA",
    "checkpoints": ":material/bookmarks: Checkpoints",
}

st.title("Inspect")
entries = inspectable(store().list())
if not entries:
    st.markdown(
        "Here a run's errors are looked at: by class, by image, against another run, view by view. It needs "
        "a run that has finished at least one epoch."
    )
    if st.button("New run", type="primary", icon=":material/tune:", key="inspect_new"):
        go("new_run")
    st.stop()

with told():
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = choose(entries)
        bar = st.container(width="content")
    if chosen is None:
        st.stop()
    entry, against = chosen
    asked = st.query_params.get("view", "flips" if against else "classes")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        view = st.segmented_control(
            "What to inspect",
            list(VIEWS),
            default=asked if asked in VIEWS else "classes",
            required=True,
            format_func=VIEWS.__getitem__,
            key="inspect_view",
            label_visibility="collapsed",
        )
        methods("inspect", Section.VOTES if view == "tta" else Section.ANSWERS)
    st.query_params["view"] = view
    if view == "checkpoints":
        show_checkpoints(entry)
        st.stop()
    with bar:
        file = choose_answers(entry)
    scene = scene_of(entry, file)
    if scene.images.problem:
        st.warning(plain(scene.images.problem), icon=":material/photo_library:")
    if file.split == "test":
        st.caption(looks_sentence(entry.run))
    if view in ("classes", "errors") and not scene.labelled:
        st.info(
            "The true classes of these images are not known: the answers are from before they were kept, and "
            "the data set is not there. Import it again as it was.",
            icon=":material/info:",
        )
    elif view == "classes":
        show_classes(scene)
    elif view == "errors":
        show_errors(scene)
    elif view == "flips":
        show_flips(scene, against)
    else:
        show_tta(scene)
