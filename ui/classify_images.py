"""Single images: a person's own, or random ones of the run's data set."""

import hashlib
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.classify import Prediction, Predictor, trained_on
from core.data import LIMITS, Split
from core.data.decode import KINDS, SUFFIXES, decode_image, first_frame_sentence
from core.errors import BadInput, shown
from ui.classify_cards import Shown, cards, tally
from ui.classify_choice import Choice, one_thread_while_training
from ui.services import library
from ui.words import plain

LARGEST_MB = LIMITS.image_bytes // 1024**2
"""The browser sends no larger file; what gets here all the same is refused like any other image."""
MOST_UPLOADS = 48
MOST_TOLD = 5
SAMPLES = (4, 8, 16, 32)


def show_uploads(choice: Choice) -> None:
    """Images of a person's own. What cannot be read is named, the others are answered."""
    uploads = st.file_uploader(
        "Images",
        type=[suffix.removeprefix(".") for suffix in SUFFIXES],
        accept_multiple_files=True,
        max_upload_size=LARGEST_MB,
        key="classify_uploads",
        help=f"{KINDS}, up to {LARGEST_MB} MB each. They stay on this machine, and only until you leave the "
        "page.",
    )
    if not uploads:
        st.caption("Drop one image or many; each gets its most probable classes.")
        return
    images: list[Shown] = []
    problems: list[str] = []
    notes: list[str] = []
    prepared = st.session_state.setdefault("classify_prepared", {})
    card = choice.predictor.card
    for upload in uploads[:MOST_UPLOADS]:
        # What the network sees depends on the checkpoint too: another one may want another size.
        key = f"{upload.file_id} {card.image_size} {card.channels} {card.resize}"
        if key not in prepared:
            prepared[key] = _prepare(upload.name, upload.getvalue(), choice.predictor)
        pixels, said = prepared[key]
        if pixels is None:
            problems.append(said)
        else:
            images.append(Shown(shown(upload.name), pixels))
            notes += [said] if said else []
    present = {upload.file_id for upload in uploads}
    st.session_state["classify_prepared"] = {k: v for k, v in prepared.items() if k.split()[0] in present}
    _tell(problems)
    if notes:
        st.info(plain(" ".join(notes)), icon=":material/filter_none:")
    if len(uploads) > MOST_UPLOADS:
        st.info(
            f"The first {MOST_UPLOADS} of {len(uploads)} images are shown; for more, use a folder or zip.",
            icon=":material/filter_none:",
        )
    _show(choice, images)


def _prepare(name: str, content: bytes, predictor: Predictor) -> tuple[np.ndarray | None, str]:
    """The pixels, or the sentence that says why there are none; with the pixels what else is to be said."""
    try:
        image = decode_image(content, name)
        return predictor.prepare(image), first_frame_sentence(image, name)
    except BadInput as error:
        return None, str(error)


def _tell(problems: Sequence[str]) -> None:
    for sentence in problems[:MOST_TOLD]:
        st.error(plain(sentence), icon=":material/broken_image:")
    if len(problems) > MOST_TOLD:
        with st.expander(f"{len(problems) - MOST_TOLD} more files could not be read"):
            st.markdown("\n".join(f"- {plain(sentence)}" for sentence in problems[MOST_TOLD:]))


def show_samples(choice: Choice) -> None:
    """Random images of the test split, else of val."""
    dataset = trained_on(choice.predictor.card, library())
    held_out: tuple[Split, ...] = ("test", "val")
    splits = [split for split in held_out if dataset.info.counts.get(split)]
    if not splits:
        raise BadInput(f"The data set {dataset.info.name} has no test or val images to show; upload images.")
    kept = st.session_state.setdefault("classify_samples", {"seed": 0, "count": 8})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = st.segmented_control(
            "Split",
            splits,
            default=splits[0],
            required=True,
            key=f"classify_sample_split_{'-'.join(splits)}",
            help="Images that the run was not trained on.",
        )
        count = st.segmented_control(
            "Images",
            SAMPLES,
            default=kept["count"],
            required=True,
            key="classify_sample_count",
            help="How many to take at random.",
        )
        if st.button("Take others", icon=":material/casino:", key="classify_others"):
            kept["seed"] += 1
        words_box = st.empty()
    kept["count"] = count
    indices = dataset.indices(split or splits[0])
    chosen = np.random.default_rng(kept["seed"]).permutation(indices)[: count or SAMPLES[1]]
    pixels = choice.predictor.as_seen(dataset.images[np.sort(chosen)])
    images = [
        Shown(dataset.image_name(int(index)), image, int(dataset.labels[index]))
        for index, image in zip(np.sort(chosen), pixels, strict=True)
    ]
    answers = _show(choice, images)
    words_box.markdown(f":gray[{tally(images, answers)}]")


def _show(choice: Choice, images: Sequence[Shown]) -> Sequence[Prediction]:
    if not images:
        return []
    stack = np.stack([image.pixels for image in images])
    digest = hashlib.blake2b(stack.tobytes(), digest_size=16).hexdigest()
    with one_thread_while_training():
        answers = _answers(*choice.key, digest, choice.views, choice.predictor, stack)
    st.html(cards(images, answers, choice.predictor.card.classes, choice.color))
    return answers


@st.cache_resource(max_entries=24, show_spinner=False)
def _answers(
    path: str,
    written_ns: int,
    averaged: bool,
    images: str,
    views: int,
    _predictor: Predictor,
    _stack: np.ndarray,
) -> list[Prediction]:
    return _predictor.predict(list(_stack), views=views)
