"""SIGKILL at drawn moments of trainings and resumes; `python -m tests.faults.kills` kills a hundred times."""

from tests.faults.kills import run_series


def test_a_training_killed_at_any_moment_ends_as_if_it_had_not_been() -> None:
    found = run_series(kills=6, seed=1)
    assert found.kills == 6
    assert found.in_resumes, "resumes are killed too"
    assert (found.lost, found.wrong_states, found.other_curves) == (0, 0, 0)
