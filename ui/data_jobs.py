"""The import in the background, as the Data page shows it."""

import streamlit as st

from core.data import ImportOptions, Source
from core.data.import_job import ImportJob, ImportJobs, jobs_of
from ui.services import library
from ui.words import count, plain

_NOTICE, _TOLD, _OWN = "data_notice", "data_import_told", "data_import_own"


def jobs() -> ImportJobs:
    """The imports of this workspace's library, shared by all sessions of the server."""
    return jobs_of(library())


def start(source: Source, name: str, options: ImportOptions) -> None:
    """Begin an import as this session's own. Raises BadInput or Busy."""
    st.session_state[_OWN] = jobs().start(library(), source, name, options).number


def take_outcomes() -> None:
    """Tell how imports ended, each session once. Only the session that began one is led to the new
    set: another one may be looking at something else."""
    ended = jobs().ended_after(st.session_state.setdefault(_TOLD, jobs().heard))
    if not ended:
        return
    st.session_state[_TOLD] = ended[-1].number
    st.session_state[_NOTICE] = [_outcome(job) for job in ended]
    own = st.session_state.get(_OWN)
    for job in ended:
        if job.number == own and job.state == "done":
            st.query_params["data"] = job.name
            st.query_params.pop("add", None)


def _outcome(job: ImportJob) -> dict[str, str]:
    if job.state == "done" and job.info:
        counts = f"{count(job.info.images)} images of {count(len(job.info.classes))} classes"
        return {"kind": "success", "sentence": f"Imported {job.name}: {counts}."}
    if job.state == "failed":
        return {"kind": "error", "sentence": job.message}
    sentence = f"The import of {job.name} was cancelled; nothing of it was kept."
    return {"kind": "info", "sentence": sentence}


def notice(kind: str, sentence: str) -> None:
    """Say something above the page, until something else is to be said."""
    st.session_state[_NOTICE] = [{"kind": kind, "sentence": sentence}]


def clear_notice() -> None:
    """There is nothing to say any more."""
    st.session_state.pop(_NOTICE, None)


def show_notice() -> None:
    """What was said last; what went wrong stays until the next try."""
    said: list[dict[str, str]] = st.session_state.get(_NOTICE, [])
    for item in said:
        show, icon = {
            "success": (st.success, ":material/check_circle:"),
            "error": (st.error, ":material/error:"),
            "info": (st.info, ":material/info:"),
        }[item["kind"]]
        show(plain(item["sentence"]), icon=icon)
    st.session_state[_NOTICE] = [item for item in said if item["kind"] == "error"]


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
