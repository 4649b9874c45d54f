"""The wrong answers, the most confident first."""

import streamlit as st

from core.insight.classes import worst_errors
from ui.inspect_choice import Scene
from ui.inspect_gallery import Line, gallery
from ui.words import percent


def show_errors(scene: Scene) -> None:
    """A gallery of errors, of all classes or one."""
    known = sorted(set(scene.outcomes.labels[scene.outcomes.labels >= 0].tolist()))
    given = sorted(set(scene.outcomes.predicted.tolist()))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        truth = st.selectbox(
            "True class",
            known,
            index=None,
            format_func=scene.name_of,
            placeholder="Any class",
            key=f"inspect_truth_{scene.run.id}",
            width=220,
        )
        predicted = st.selectbox(
            "Taken for",
            given,
            index=None,
            format_func=scene.name_of,
            placeholder="Any class",
            key=f"inspect_predicted_{scene.run.id}",
            width=220,
        )
    places = worst_errors(scene.outcomes, truth=truth, predicted=predicted)
    count = len(scene.outcomes.labels)
    if len(places) == 0:
        st.caption("No error here.")
        return
    st.markdown(
        f"**{len(places):,} of {count:,} {scene.file.split} images** :gray["
        "the errors that the network was surest of come first. An image whose label is wrong would be "
        "likely to stand here.]"
    )
    gallery(
        "inspect_errors",
        places,
        lambda place: scene.picture(place, error_lines(scene, place)),
        told=f"{scene.run.id} {scene.file.name} {truth} {predicted}",
    )


def error_lines(scene: Scene, place: int) -> tuple[Line, ...]:
    """What an image is, and what it was taken for; with the probability of each."""
    outcomes = scene.outcomes
    label, predicted = int(outcomes.labels[place]), int(outcomes.predicted[place])
    return (
        Line("is", scene.name_of(label), percent(float(outcomes.true_probability[place])), ""),
        Line("said", scene.name_of(predicted), percent(float(outcomes.probability[place])), "wrong"),
    )
