"""The diary's entries: what is known of each run, gathered and put in words, before any layout."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Self

from core.errors import PlateauError
from core.insight.changes import ChangeCard, Effect, change_card, group_card
from core.insight.diary.pictures import Spec, curves_spec
from core.insight.diary.results import results_list
from core.insight.diary.settings import Line, settings_list
from core.insight.lr_line import Line as LrLine
from core.insight.lr_line import lr_line
from core.insight.overfit import overfit_marks, val_images
from core.insight.parents import age, parent_of
from core.insight.repeats import Group, groups
from core.insight.row_notes import rows_notes
from core.insight.verdict import Verdict, judge, smallest_by_accuracy
from core.runs import ACTIVE, RunEntry
from core.runs.rows import START, RowsRead
from core.words import moment, percent

RELATIONS = {"clone": "cloned from it", "nearest": "the nearest earlier run on these data"}


@dataclass(frozen=True)
class Changed:
    """What a run has that its parent had not, and what that did."""

    parent_id: str
    parent_number: int
    parent_name: str
    relation: str
    """How the two belong together, in words."""
    kind: str
    """'clean test', 'confounded (3 settings)' and so on."""
    settings: tuple[tuple[str, str, str], ...]
    """Setting, before, now."""
    effects: tuple[Line, ...]
    note: str = ""
    """What a reader must know before believing the effects."""


@dataclass(frozen=True)
class DiaryEntry:
    """One run as the diary tells it. Names, hypothesis, note and tags are a person's own words."""

    number: int
    """Its place among all runs, the oldest being 1."""
    id: str
    name: str
    state: str
    made: str
    """When, in UTC."""
    tags: tuple[str, ...] = ()
    star: bool = False
    hypothesis: str = ""
    told: tuple[str, ...] = ()
    """Why it failed or stopped, what is damaged, that it still trains."""
    settings: tuple[Line, ...] = ()
    repeats: str = ""
    """What its group of repeats reached; empty for a run alone."""
    changed: Changed | None = None
    results: tuple[Line, ...] = ()
    best: str = ""
    """The best val accuracy, for the table of contents."""
    best_epoch: int | None = None
    picture: Spec | None = None
    verdict: str = ""
    verdict_kind: str = ""
    """'better', 'worse', 'open' or 'incomparable'; empty where nothing was judged."""
    marks: tuple[str, ...] = ()
    """Where it began to overfit and the like, a sentence each."""
    note: str = ""


@dataclass(frozen=True)
class Diary:
    """All runs of a store in the order in which they were made; entries are put together on demand."""

    entries: tuple[RunEntry, ...]
    """The oldest first."""
    numbers: dict[str, int]
    groups: dict[str, Group]

    @classmethod
    def of(cls, entries: Iterable[RunEntry]) -> Self:
        """The diary of these runs, in whatever order they come."""
        ordered = tuple(sorted(entries, key=age))
        return cls(
            entries=ordered,
            numbers={entry.id: number for number, entry in enumerate(ordered, start=1)},
            groups={entry.id: group for group in groups(ordered) for entry in group.entries},
        )

    def entry(self, run: RunEntry) -> DiaryEntry:
        """What the diary tells of a run. What cannot be read is said in its place, never raised."""
        entry = self._head(run)
        status = run.status
        if status is None:
            return replace(entry, told=(run.damaged,))
        read = _rows(run)
        told = _told(run)
        settings: Sequence[Line] = ()
        line: LrLine = ()
        try:
            recipe = run.run.recipe()
            settings = settings_list(recipe, status.epochs)
        except (PlateauError, OSError) as error:
            told.append(str(error))
        else:
            line = lr_line(recipe, status.epochs, hold_from=status.hold_from)
        marks = overfit_marks(read.rows, val_images(run.run), status.epochs)
        changed, verdict = self._against_parent(run)
        return replace(
            entry,
            told=(*told, *rows_notes(read.rows, read.damaged)),
            settings=tuple(settings),
            repeats=self._repeats(run),
            changed=changed,
            results=tuple(results_list(run.run, status, read.rows)),
            best=percent(status.best.val_accuracy) if status.best else "",
            best_epoch=status.best.epoch if status.best else None,
            picture=curves_spec(read.rows, status.color, [mark.epoch for mark in marks], line),
            verdict=_sentences(verdict),
            verdict_kind=verdict.kind if verdict else "",
            marks=tuple(mark.sentence for mark in marks),
        )

    def _head(self, run: RunEntry) -> DiaryEntry:
        """What is known of every run, a damaged one too."""
        notes = run.notes
        return DiaryEntry(
            number=self.numbers[run.id],
            id=run.id,
            name=run.name,
            state=run.state,
            made=_made(run),
            tags=notes.tags,
            star=notes.star,
            hypothesis=notes.hypothesis,
            note=notes.note,
        )

    def _against_parent(self, run: RunEntry) -> tuple[Changed | None, Verdict | None]:
        """What changed since the parent, and the verdict; none over a repeat, whose group says more."""
        found = parent_of(run, self.entries)
        if found is None:
            return None, None
        parent, relation = found
        try:
            before, after = self._side(parent), self._side(run)
            if before.key == after.key:
                card = change_card(parent, run, relation)
            else:
                card = group_card(before, after, relation)
        except (PlateauError, OSError):
            return None, None
        if run.status is None or run.status.best is None:
            return self._changed(parent, card), None
        if card.kind in ("same", "repeat"):
            smallest = judge([parent], [run]).smallest_sentence
            return self._changed(parent, card, smallest or _smallest_expected(run)), None
        verdict = judge(before.entries, after.entries)
        smallest = "" if verdict.smallest_sentence else _smallest_expected(run)
        return self._changed(parent, card, smallest), verdict

    def _changed(self, parent: RunEntry, card: ChangeCard, smallest: str = "") -> Changed:
        """`smallest`: how small a difference the images can show, where no verdict beside it says so."""
        effects = [effect for effect in card.effects if effect.difference is not None]
        said = effects or not card.effects
        notes = (card.means_words, card.note, smallest if card.difference is not None else "")
        return Changed(
            parent_id=parent.id,
            parent_number=self.numbers[parent.id],
            parent_name=parent.name,
            relation=RELATIONS.get(card.relation, ""),
            kind=card.kind_words,
            settings=tuple((change.setting, change.old, change.new) for change in card.changes),
            effects=tuple((effect.label, effect_words(effect)) for effect in effects),
            note=" ".join(part for part in notes if part) if said else "",
        )

    def _side(self, run: RunEntry) -> Group:
        """The run with its repeats, where it is one of those that count; else the run alone."""
        group = self.groups[run.id]
        return Group(group.key, group.counted if run in group.counted else (run,))

    def _repeats(self, run: RunEntry) -> str:
        group = self.groups[run.id]
        if len(group.entries) < 2:
            return ""
        said = f"One of {len(group.entries)} runs with these settings, each with a seed of its own"
        if group.mean is None:
            return f"{said}; none is done yet."
        if group.spread is None:
            return f"{said}; one of them is done."
        spread = f"{group.spread * 100:.1f} points"
        return (
            f"{said}: best val {percent(group.mean)} on average, spread {spread} "
            f"(standard deviation over {group.n} seeds)."
        )


def _smallest_expected(run: RunEntry) -> str:
    """Before its answers were set against another run's; '' where it has none."""
    images, best = val_images(run.run), run.status.best if run.status else None
    return smallest_by_accuracy(images, best.val_accuracy) if images and best else ""


def _sentences(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    return " ".join(part for part in (verdict.sentence, verdict.smallest_sentence) if part)


def effect_words(effect: Effect) -> str:
    """'58.3 % → 59.4 % (+1.1 points)'."""
    before, after, difference = effect.words
    return f"{before} → {after} ({difference})"


def _told(run: RunEntry) -> list[str]:
    """What must be said of a run that is not simply finished."""
    status = run.status
    if status is None:
        return [run.damaged]
    told = list(run.lost)
    if status.state == "queued":
        told.append("It waits in the queue.")
    elif status.state in ACTIVE:
        told.append(
            f"It is training: {status.epoch} of {status.epochs} epochs are done, "
            "and the figures are those so far."
        )
    if status.message:
        told.append(f"{status.message} {status.hint}".strip())
    if not status.epoch and status.state not in ("queued", *ACTIVE):
        told.append("No epoch was done, so there are neither results nor curves.")
    return told


def _rows(run: RunEntry) -> RowsRead:
    with suppress(OSError):
        return run.run.epochs()
    return RowsRead([], START)


def _made(run: RunEntry) -> str:
    return moment(age(run)[0])
