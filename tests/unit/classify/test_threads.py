"""One thread inside, the normal number afterwards, whoever else is inside at the time."""

import threading
from collections.abc import Iterator

import pytest
import torch

from core.classify import OneThread


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def number_of_a_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_inside_one_thread_computes_also_nested_and_after_an_error() -> None:
    one = OneThread()
    with pytest.raises(KeyError), one.entered():
        with one.entered():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == number_of_a_new_thread() == 2


@pytest.mark.parametrize("first_out", ["first", "second"])
def test_two_at_once_leave_the_normal_number_behind(first_out: str) -> None:
    one = OneThread()
    second_in, second_may_leave = threading.Event(), threading.Event()
    numbers: list[int] = []

    def second() -> None:
        with one.entered():
            numbers.append(torch.get_num_threads())
            second_in.set()
            second_may_leave.wait(10)
            numbers.append(torch.get_num_threads())
        numbers.append(torch.get_num_threads())

    thread = threading.Thread(target=second)
    with one.entered():
        # It starts while 1 is set for all new threads.
        thread.start()
        assert second_in.wait(10)
        if first_out == "second":
            second_may_leave.set()
            thread.join(10)
        assert torch.get_num_threads() == 1
    second_may_leave.set()
    thread.join(10)
    assert numbers == [1, 1, 2]
    assert torch.get_num_threads() == number_of_a_new_thread() == 2
