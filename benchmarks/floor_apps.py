"""The least that Streamlit takes: tiny apps with one table, one chart, or two pages, each on a server of
its own, to measure a page of Plateau beside."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from benchmarks.served_app import free_port, wait_until_up

Kind = Literal["table", "chart", "pages"]
KINDS: tuple[Kind, ...] = ("table", "chart", "pages")

_TABLE = """
import pandas as pd
import streamlit as st

@st.cache_data
def rows(count):
    numbers = range(count)
    return pd.DataFrame({{
        "name": [f"my_net {{at}}" for at in numbers],
        "best": [50 + at % 400 / 10 for at in numbers],
        "epoch": [at % 100 for at in numbers],
        "last": [49 + at % 400 / 10 for at in numbers],
        "gap": [at % 77 / 10 for at in numbers],
        "dataset": "shapes",
        "date": "2026-09-01 14:15",
    }})

def table():
    st.dataframe(rows({count}), height=458, width="stretch", hide_index=True)
"""
_CHART = """
import math
import altair as alt
import pandas as pd
import streamlit as st

@st.cache_data
def curves(count):
    return pd.DataFrame([
        {{"run": f"my_net {{run}}", "epoch": epoch, "val": run / 50 + 1 - math.exp(-epoch / 20)}}
        for run in range(count) for epoch in range(100)
    ])

def chart(count=10):
    lines = alt.Chart(curves(count)).mark_line().encode(x="epoch", y="val", color="run")
    st.altair_chart(lines.properties(height=420), width="stretch")
"""
_PAGES = """
def click():
    chart(10 if st.checkbox("ten") else 9)

def empty():
    st.write("nothing")

st.navigation([st.Page(empty, default=True), st.Page(table), st.Page(click)]).run()
"""
_SCRIPTS: dict[Kind, str] = {
    "table": _TABLE + "table()\n",
    "chart": _CHART + "chart()\n",
    "pages": _TABLE + _CHART + _PAGES,
}


@contextmanager
def floor_app(folder: Path, kind: Kind, count: int) -> Iterator[str]:
    """The address of a served floor app, its table with so many rows."""
    # A folder of its own: Plateau's settings are not those of an empty app.
    home = folder / f"floor-{kind}"
    home.mkdir()
    (home / "app.py").write_text(_SCRIPTS[kind].format(count=count))
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
    command += ["--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false"]
    with (home / "app.log").open("wb") as log:
        app = subprocess.Popen(command, cwd=home, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait(20)
