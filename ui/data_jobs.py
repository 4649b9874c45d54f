"""The import in the background, as the Data page shows it."""

from typing import Any

import streamlit as st

from core.data.import_job import ImportJob, ImportJobs
from ui.services import library
from ui.words import count, plain

_NOTICE = "data_notice"


def jobs() -> ImportJobs:
    """The imports of this workspace's library, shared by all sessions of the server."""
    return _jobs(str(library().folder))


@st.cache_resource(show_spinner=False)
def _jobs(folder: str) -> ImportJobs:
    return ImportJobs()


def take_outcome() -> None:
    """Tell how an import ended, once: what is new is selected, what went wrong stays until the next try."""
    job = jobs().take_ended()
    if job is None:
        return
    if job.state == "done" and job.info:
        st.query_params["data"] = job.name
        st.query_params.pop("add", None)
        counts = f"{count(job.info.images)} images of {count(len(job.info.classes))} classes"
        notice("success", f"Imported {job.name}: {counts}.")
    elif job.state == "failed":
        notice("error", job.message)
    else:
        notice("info", f"The import of {job.name} was cancelled; nothing of it was kept.")


def notice(kind: str, sentence: str) -> None:
    """Say something above the page, until something else is to be said."""
    st.session_state[_NOTICE] = {"kind": kind, "sentence": sentence}


def clear_notice() -> None:
    """There is nothing to say any more."""
    st.session_state.pop(_NOTICE, None)


def show_notice() -> None:
    """What was said last."""
    said: dict[str, Any] | None = st.session_state.get(_NOTICE)
    if not said:
        return
    show, icon = {
        "success": (st.success, ":material/check_circle:"),
        "error": (st.error, ":material/error:"),
        "info": (st.info, ":material/info:"),
    }[said["kind"]]
    show(plain(said["sentence"]), icon=icon)
    if said["kind"] != "error":
        clear_notice()


@st.fragment(run_every=1.0)
def show_running() -> None:
    """Progress and a way out. No uploader is on the page while this runs by itself."""
    job = jobs().running
    if job is None:
        # Over: the whole page is drawn anew, and takes the outcome.
        st.rerun()
        return
    with st.container(border=True):
        st.markdown(f"**Importing {plain(job.name)}**")
        st.progress(job.fraction, text=_progress_words(job))
        if job.cancelling:
            st.caption("It is being cancelled.")
        else:
            st.button(
                "Cancel",
                icon=":material/close:",
                key="data_cancel",
                on_click=job.cancel,
                help="Nothing of it is kept.",
            )
    st.caption("It goes on when you leave this page.")


def _progress_words(job: ImportJob) -> str:
    stage, done, total = job.stage, job.done, job.total
    if not total:
        return plain(stage)
    if stage.startswith("Downloading"):
        return f"{plain(stage)}: {done / 1e6:.1f} of {total / 1e6:.1f} MB"
    return f"{plain(stage)}: {count(done)} of {count(total)}"
