"""What a person reads when something cannot be used."""

import pytest

from core.errors import BadInput, Busy, Damaged, InvalidSettings, NotFound, PlateauError, Problem, Unavailable


def test_a_problem_is_one_sentence_with_field_value_rule_and_remedy() -> None:
    problem = Problem("optimizer.lr", -1, "must be above 0", "raise it")
    assert problem.sentence() == "optimizer.lr = -1: must be above 0; raise it."


def test_a_problem_without_a_remedy_ends_with_its_rule() -> None:
    assert Problem("seed", "x", "must be a whole number").sentence() == "seed = 'x': must be a whole number."


def test_a_huge_value_is_cut() -> None:
    sentence = Problem("data.name", "x" * 10_000, "is too long").sentence()
    assert len(sentence) < 120
    assert "..." in sentence


def test_invalid_settings_hold_and_name_all_problems() -> None:
    error = InvalidSettings([Problem("a", 1, "is odd"), Problem("b", 2, "is even")])
    assert [problem.field for problem in error.problems] == ["a", "b"]
    assert str(error) == "a = 1: is odd. b = 2: is even."


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_is_not_shown_as_a_value(value: object) -> None:
    assert Problem("name", value, "must not be empty", "fill it in").sentence() == (
        "name: must not be empty; fill it in."
    )


def test_on_and_off_are_written_as_in_a_recipe() -> None:
    assert Problem("max_pool", False, "is odd").sentence() == "max_pool = false: is odd."


@pytest.mark.parametrize("error", [BadInput, Unavailable, InvalidSettings])
def test_an_error_about_a_field_carries_it_and_reads_as_a_sentence(error: type[PlateauError]) -> None:
    raised = error.at("device", "cuda:7", "there is none", "choose 'cpu'")
    assert type(raised) is error
    assert str(raised) == "device = 'cuda:7': there is none; choose 'cpu'."
    problem = raised.problems[0] if isinstance(raised, InvalidSettings) else raised.problem
    assert problem == Problem("device", "cuda:7", "there is none", "choose 'cpu'")
    assert error is InvalidSettings or error("a sentence.").problem is None


@pytest.mark.parametrize("error", [BadInput, NotFound, Damaged, Busy, Unavailable])
def test_everything_for_a_person_has_one_base(error: type[Exception]) -> None:
    assert issubclass(error, PlateauError)
    assert issubclass(InvalidSettings, BadInput)
