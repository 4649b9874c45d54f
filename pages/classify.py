"""Classify: a trained network's answers for images of one's own, a split, or a whole folder."""

import streamlit as st

from ui.classify_batch import show_batch
from ui.classify_choice import choose, describe_choice, runs_with_checkpoint
from ui.classify_evaluate import show_evaluation
from ui.classify_images import show_samples, show_uploads
from ui.links import go
from ui.problems import told

VIEWS = {
    "upload": (":material/upload: My images", show_uploads),
    "samples": (":material/photo_library: From the data set", show_samples),
    "evaluate": (":material/analytics: Evaluate", show_evaluation),
    "csv": (":material/table: Folder to CSV", show_batch),
}

st.title("Classify")
entries = runs_with_checkpoint()
if not entries:
    st.markdown(
        "Here a trained network classifies images: your own, random ones of its data set, a whole folder. "
        "It needs a run that has finished at least one epoch."
    )
    if st.button("New run", type="primary", icon=":material/tune:"):
        go("new_run")
    st.stop()

with told():
    choice = choose(entries)
    if choice:
        describe_choice(choice)
        asked = st.query_params.get("view", "upload")
        view = st.segmented_control(
            "What to classify",
            list(VIEWS),
            default=asked if asked in VIEWS else "upload",
            required=True,
            format_func=lambda name: VIEWS[name][0],
            key="classify_view",
            label_visibility="collapsed",
        )
        st.query_params["view"] = view
        VIEWS[view][1](choice)
