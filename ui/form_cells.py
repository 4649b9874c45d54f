"""Where a form's fields stand, and what stands at each: label, help, and a choice in its own words."""

from typing import Any, Protocol

from streamlit.delta_generator import DeltaGenerator

from core.errors import Problem
from core.recipe.words import show_number
from core.spec import Setting, Spec

STYLE = """<style>
[class*="st-key-cells-"] {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(9.6rem, 1fr)); gap: 0 1rem;
  margin-top: -0.6rem;
}
[class*="st-key-cells-"] > *, [class*="st-key-cells-"] > * > [data-testid="stVerticalBlock"] {
  display: grid; grid-template: subgrid / minmax(0, 1fr); grid-row: span 2; gap: 0;
  width: 100% !important; min-width: 0;
}
[class*="st-key-cells-"] > * > [data-testid="stVerticalBlock"] > :first-child {
  align-self: end; margin-top: 0.6rem;
}
[class*="st-key-cells-"] > * > [data-testid="stVerticalBlock"] > :not(:first-child) { align-self: start; }
[class*="st-key-cells-"] > * > * > :has(> .stCheckbox):first-child { padding-bottom: 0.5rem; }
[class*="st-key-items-"] { gap: 0; }
[class*="st-key-item-"] {
  align-items: flex-start; padding: 0.1rem 0; border-bottom: 1px solid rgba(128, 136, 146, 0.25);
}
[class*="st-key-item-"] summary { opacity: 1; }
[class*="st-key-item-"] .stExpander { padding-bottom: 0.4rem; }
[class*="st-key-cells-"] > :has(> [class*="st-key-wide-"]) { grid-column: 1 / -1; }
</style>"""
"""Fields stand in columns of equal width, as many as there is room for. A line of cells has two rows,
one for the widgets and one for what is wrong with them: so a sentence below one field leaves the
others where they are."""

Path = tuple[str | int, ...]


class Flow:
    """Where the next field goes: into a grid of cells, or as a block of the full width."""

    def __init__(self, parent: DeltaGenerator, key: str) -> None:
        self._parent, self._key, self._grids = parent, key.replace(".", "-"), 0
        self._cells = 0
        self._grid: DeltaGenerator | None = None

    def cell(self, *, wide: bool = False) -> DeltaGenerator:
        """A place in the current grid, with `wide` a row of its own."""
        if self._grid is None:
            self._grids += 1
            self._grid = self._parent.container(key=f"cells-{self._key}-{self._grids}")
        self._cells += 1
        key = f"wide-{self._key}-{self._cells}" if wide else None
        return self._grid.container(gap="xxsmall", key=key)

    def block(self) -> DeltaGenerator:
        """The full width; the next cell begins a new grid."""
        self._grid = None
        return self._parent


class Fields(Protocol):
    """What a list of choices needs of the form that it stands in."""

    @property
    def key(self) -> str: ...

    def at(self, path: Path) -> Any:
        """The draft's value at a path."""

    def key_names(self, path: Path) -> list[str]:
        """A path for keys, items of lists by kind and count."""

    def problems_at(self, path: Path, *, below: bool = True) -> list[Problem]:
        """What is wrong with the value at a path, with `below` also inside of it."""

    def tell(self, path: Path, *, below: bool = True) -> None:
        """What is wrong with a field, below it."""

    def fields(self, flow: Flow, spec: type[Spec], path: Path) -> None:
        """All fields of a spec whose values stand at `path`."""

    def line(self, spec: type[Spec], values: dict[str, Any]) -> str:
        """An item of a list in one line."""


def label_of(setting: Setting) -> str:
    """A field's label with its unit behind it."""
    return f"{setting.label} :gray[{setting.unit}]" if setting.unit else setting.label


def help_of(setting: Setting) -> str:
    """A field's help, with its bounds."""
    limits = [
        f"{words} {show_number(bound)}"
        for words, bound in (
            ("above", setting.gt),
            ("at least", setting.ge),
            ("below", setting.lt),
            ("at most", setting.le),
        )
        if bound is not None
    ]
    bounds = f" Must be {' and '.join(limits)}." if limits and setting.type in ("int", "float") else ""
    numbers = " Numbers with commas between." if setting.type == "numbers" else ""
    return setting.help + bounds + numbers


def about(spec: type[Spec]) -> str:
    """A choice in its own words: its docstring's first paragraph."""
    text = (spec.__doc__ or "").split("\n\n")[0]
    return f"**{spec.label}**: {' '.join(text.split())}"
