"""How it is judged, as the app shows it from docs/insight.md."""

import re
from pathlib import Path

import pytest

from ui import methods
from ui.methods import DOCUMENT, Section, section_text

PROJECT = DOCUMENT.parents[1]
SOURCES = [path.read_text() for folder in ("ui", "pages") for path in (PROJECT / folder).glob("*.py")]
HEADINGS = re.findall(r"^## (.+)$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
WITH_SOURCES = (Section.NETWORKS, Section.SETTING)


@pytest.mark.parametrize("section", Section)
def test_each_section_is_there_and_a_panel_shows_it(section: Section) -> None:
    assert HEADINGS.count(section) == 1
    assert len(section_text(section)) > 300
    assert any(f"Section.{section.name}" in source for source in SOURCES)


@pytest.mark.parametrize("section", WITH_SOURCES)
def test_assumptions_and_sources_are_shown_too(section: Section) -> None:
    shown = section_text(section)
    for part in ("**Method.**", "**Assumptions.**", "**Sources.**", "**Measured**"):
        assert part in shown
    assert "## " not in shown


def test_pictures_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "insight.md"
    document.write_text(
        f"# Insight\n\n## {Section.DIARY}\nBefore.\n\n![A](pictures/a.png)\n\nAfter.\n\n## B\n"
    )
    monkeypatch.setattr(methods, "DOCUMENT", document)
    assert section_text(Section.DIARY) == "Before.\n\nAfter."
    assert "no such section" in section_text(Section.OVERFITTING)


def test_without_the_document_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "DOCUMENT", tmp_path / "gone.md")
    assert "gone.md cannot be read" in section_text(Section.DIARY)
