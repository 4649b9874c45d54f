"""A short share of `python -m benchmarks.long_life` and `python -m benchmarks.sessions`: one app, sessions
with uploads, runs in a row, a long run. Nothing that they use may be left behind."""

import time
from collections.abc import Iterator

import pytest

from benchmarks.long_life import Place, look, place, train_in_a_row, upload_sessions, write_many_rows
from benchmarks.process_size import Size, size_of
from benchmarks.sessions import Stay, missed_goals, quarters, risen, stay
from core.runs import train
from core.runs.lock import hold
from tests.faults.running import run_async

FORGET_S = 1
MOST_MESSAGE = 2_000_000
"""Bytes; Streamlit's limit is a hundred times as much."""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def here() -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL", str(FORGET_S))
        patch.setenv("OMP_NUM_THREADS", "1")
        with place(images=1_500) as found:
            yield found


def test_a_process_is_measured() -> None:
    import os

    size = size_of(os.getpid())
    assert size.rss_mb > 20
    assert size.handles > 2
    assert size.threads >= 1
    with open(os.devnull, "rb"), open(os.devnull, "rb"):  # noqa: PTH123
        assert size_of(os.getpid()).handles == size.handles + 2


LEVEL = Size(rss_mb=500.0, handles=100, threads=10)


@pytest.mark.parametrize(
    ("late", "found"),
    [
        (Size(524.0, 106, 12), []),
        (Size(526.0, 100, 10), ["memory rose from 500 to 526 MB"]),
        (Size(500.0, 107, 10), ["handles rose from 100 to 107"]),
        (Size(400.0, 100, 13), ["threads rose from 10 to 13"]),
    ],
)
def test_what_is_not_level_is_said(late: Size, found: list[str]) -> None:
    assert risen([LEVEL], [late]) == found
    assert risen(*quarters([Size(1.0, 1, 1), LEVEL, Size(1.0, 1, 1), late])) == found
    assert risen(*quarters([LEVEL, late])) == [], "too few looks to tell"


def test_a_missed_goal_of_the_load_is_said() -> None:
    good = Stay(sizes=[LEVEL] * 4)
    assert missed_goals(good, [0.7, 0.85, 0.9]) == missed_goals(good, []) == []
    assert missed_goals(good, [0.84]) == ["training speed with the sessions 0.840, not 0.85"]
    bad = Stay(missed=2, sizes=[LEVEL, LEVEL, LEVEL, Size(900.0, 100, 10)])
    assert len(missed_goals(bad, [0.5])) == 3


def test_sessions_with_uploads_leave_no_handles_behind(here: Place) -> None:
    run = here.store.create(here.recipe(1), here.info, queue=False)
    train(run, here.library)
    address = f"{here.url}/classify?run={run.id}"
    sizes = []
    for number in range(3):
        run_async(upload_sessions(address, 4 * number, 4, at_once=4))
        time.sleep(2.0 * FORGET_S)
        sizes.append(here.size())
    # What the last few sessions leave waits for Python's garbage collection, three handles each.
    assert sizes[-1].handles <= sizes[0].handles + 3
    assert sizes[-1].rss_mb < sizes[0].rss_mb + 60


def test_runs_in_a_row_leave_neither_handles_nor_threads_behind(here: Place) -> None:
    sizes: list[Size] = []
    train_in_a_row(here, 5, 1, lambda number, size: sizes.append(size))
    assert sizes[-1].handles <= sizes[0].handles + 2
    assert sizes[-1].threads <= sizes[0].threads + 2
    assert sizes[-1].rss_mb < sizes[0].rss_mb + 60


def test_a_long_run_is_thinned_before_it_is_sent(here: Place) -> None:
    run = here.store.create(here.recipe(1), here.info, queue=False)
    other = here.store.create(here.recipe(1), here.info, queue=False)
    train(other, here.library)
    with hold(run.lock_path, busy="held"):
        write_many_rows(run, 20_000)
        live = run_async(look(f"{here.url}/live?run={run.id}", ticks=1))
        compare = run_async(look(f"{here.url}/compare?runs={run.id},{other.id}", ticks=0))
    assert 10_000 < live.largest < MOST_MESSAGE
    assert 10_000 < compare.largest < MOST_MESSAGE


def test_every_session_is_sent_every_epoch(here: Place) -> None:
    run = here.store.create(here.recipe(3_000), here.info)
    while run.status().epoch < 1:
        time.sleep(0.05)
    try:
        found = run_async(
            stay(f"{here.url}/live?run={run.id}", here.process, run, sessions=5, seconds=3.0, every_s=1.0)
        )
    finally:
        here.store.stop(run)
    assert found.missed == 0
    assert found.last_epoch > found.first_epoch
    assert found.ticks >= 5
    assert len(found.sizes) == 4
