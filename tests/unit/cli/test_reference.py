"""The reference page is what the specs say."""

from pathlib import Path

from core.cli.reference import reference_lines

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference.md"


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8").splitlines() == list(reference_lines()), (
        "run `python -m core reference > docs/reference.md`"
    )


def test_every_command_is_in_the_reference() -> None:
    text = "\n".join(reference_lines())
    for command in ("data list", "data import", "presets", "train", "runs", "stop", "resume", "evaluate"):
        assert f"| `{command}` |" in text
