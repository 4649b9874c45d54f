"""Which images a run is on, by its status."""

import pytest

from core.runs import Status


@pytest.mark.parametrize(
    ("mine", "same"),
    [
        (("pixels", "split"), True),
        (("", ""), True),
        (("others", "split"), False),
        (("pixels", "another"), False),
        (("pixels", ""), False),
    ],
)
def test_a_run_is_on_the_images_and_the_split_that_it_names_or_on_any(
    mine: tuple[str, str], same: bool
) -> None:
    status = Status(
        state="finished",
        epochs=2,
        created_at="2026-09-01T12:00:00+00:00",
        dataset="a",
        architecture="my_net",
        dataset_fingerprint=mine[0],
        split_fingerprint=mine[1],
    )
    assert status.is_on("pixels", "split") == same
