"""A spec becomes widgets: the only such mapping.

The draft (a plain dict, the JSON of a recipe) is the truth. Before a widget is drawn its state is set
from the draft, and a change is written back by a callback before the next run of the script. So the
checks that stand beside the fields are those of what the fields show, values of any kind can be
typed, and loading other settings needs no more than another draft.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from pydantic import ValidationError

from core.errors import Problem
from core.files import to_json
from core.recipe.words import field_words, show_number, show_numbers, value_words
from core.spec import Setting, Spec, defaults_of, kind_of, member, settings_of
from ui.form_cells import Flow, about, help_of, label_of
from ui.form_list import draw_list
from ui.form_values import conform, default_of, read_numbers
from ui.words import plain

Chooser = Callable[[dict[str, Any], str, str], dict[str, Any]]
"""(values, field, kind) -> the values of the field's other choice."""


def take_defaults(values: dict[str, Any], name: str, kind: str, choices: Sequence[Any]) -> dict[str, Any]:
    """Another choice with its defaults, where nothing better is known."""
    return defaults_of(next(c for c in choices if kind_of(c) == kind))


@dataclass(frozen=True)
class Form:
    """One drawing of a form. `draft` is changed in place by the widgets' callbacks."""

    spec: type[Spec]
    draft: dict[str, Any]
    key: str
    """Goes in front of the widgets' keys; a new one for other settings."""
    expert: bool = True
    problems: Sequence[Problem] = ()
    choose: Chooser | None = None
    """How a choice at the root of the draft is changed."""
    summary: Callable[[Spec], str] | None = None
    """One line about an item of a list."""
    offers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Values to pick from, by path, for fields that are texts."""
    wording: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    """How an offered value reads, by path."""
    blanks: Mapping[str, str] = field(default_factory=dict)
    """What an empty number means, by path; 'automatic' where nothing else is said."""

    def draw(self, names: Sequence[str], group: str) -> None:
        """The widgets of these root fields, in the container that is open now."""
        flow = Flow(st.container(gap="small"), f"{self.key}-{group}")
        settings = {s.name: s for s in settings_of(self.spec)}
        for name in names:
            self._field(flow, self.spec, settings[name], (name,))
        hidden = [text for name in names for text in self._hidden(settings[name], (name,))]
        if hidden:
            flow.block().caption(f"In the expert view, not at the default: {', '.join(hidden)}")

    # ---- values ----

    def at(self, path: tuple[str | int, ...]) -> Any:
        """The draft's value at a path."""
        value: Any = self.draft
        for part in path:
            value = value[part]
        return value

    def put(self, path: tuple[str | int, ...], value: Any) -> None:
        """Change the draft's value at a path."""
        self.at(path[:-1])[path[-1]] = value

    def problems_at(self, path: tuple[str | int, ...], *, below: bool = True) -> list[Problem]:
        """What is wrong with the value at a path, with `below` also inside of it."""
        dotted = ".".join(map(str, path))
        exact = (dotted, f"{dotted}.kind")
        return [p for p in self.problems if p.field in exact or (below and p.field.startswith(dotted + "."))]

    def _shown(self, setting: Setting, path: tuple[str | int, ...]) -> bool:
        return self.expert or setting.level == "basic" or bool(self.problems_at(path))

    def _hidden(self, setting: Setting, path: tuple[str | int, ...]) -> list[str]:
        """Hidden expert settings that are not at their default, in words."""
        value = self.at(path)
        if not self._shown(setting, path):
            return [] if value == default_of(setting) else [plain(self._in_words(setting, value))]
        spec = self._spec_at(setting, value)
        if spec is None:
            return []
        return [text for s in settings_of(spec) for text in self._hidden(s, (*path, s.name))]

    def _in_words(self, setting: Setting, value: Any) -> str:
        """A field with its value in words; of a choice also what is not at its default."""
        spec = self._spec_at(setting, value)
        if spec is None:
            return f"{setting.label} {value_words(value)}"
        changed = [s for s in settings_of(spec) if value[s.name] != default_of(s)]
        inside = ", ".join(self._in_words(s, value[s.name]) for s in changed)
        if setting.type == "spec":
            return inside
        return f"{setting.label} {spec.label}" + (f" ({inside})" if inside else "")

    @staticmethod
    def _spec_at(setting: Setting, value: Any) -> type[Spec] | None:
        """The class whose fields stand below this one."""
        if setting.type == "union":
            return member(setting.choices, value)
        return setting.choices[0] if setting.type == "spec" and value is not None else None

    def line(self, spec: type[Spec], values: dict[str, Any]) -> str:
        """An item of a list in one line; its name where its values are not valid."""
        try:
            item = spec.model_validate_json(to_json(values))
        except ValidationError:
            return spec.label
        return self.summary(item) if self.summary else spec.label

    # ---- widgets ----

    def fields(self, flow: Flow, spec: type[Spec], path: tuple[str | int, ...]) -> None:
        """All fields of a spec whose values stand at `path`."""
        for setting in settings_of(spec):
            self._field(flow, spec, setting, (*path, setting.name))

    def _field(self, flow: Flow, owner: type[Spec], setting: Setting, path: tuple[str | int, ...]) -> None:
        if not self._shown(setting, path):
            return
        if setting.type == "specs":
            draw_list(self, flow, setting, path)
        elif setting.type == "spec" and not setting.optional:
            self.fields(flow, setting.choices[0], path)
        elif setting.type == "spec":
            self._optional_spec(flow, setting, path)
        elif setting.type == "union":
            self._union(flow, setting, path)
        else:
            with flow.cell(wide=".".join(map(str, path)) in self.wording):
                self._scalar(owner, setting, path)
                self.tell(path)

    def _optional_spec(self, flow: Flow, setting: Setting, path: tuple[str | int, ...]) -> None:
        spec = setting.choices[0]
        value = self.at(path)

        def take(key: str) -> None:
            self.put(path, conform(spec, {}) if st.session_state[key] else None)

        with flow.cell():
            key = self._sync(path, value is not None)
            st.toggle(label_of(setting), key=key, help=help_of(setting), on_change=take, args=(key,))
            self.tell(path, below=False)
        if value is not None:
            inner = Flow(flow.block().container(border=True), f"{self.key}-{'-'.join(map(str, path))}")
            self.fields(inner, spec, path)

    def _union(self, flow: Flow, setting: Setting, path: tuple[str | int, ...]) -> None:
        labels = {kind_of(c): c.label for c in setting.choices}
        found = member(setting.choices, self.at(path))
        flow.block()  # a choice begins a row, its fields follow

        def take(key: str) -> None:
            kind = st.session_state[key]
            if self.choose and len(path) == 1:
                self.put(path, self.choose(self.draft, str(path[0]), kind))
            else:
                self.put(path, take_defaults(self.draft, str(path[-1]), kind, setting.choices))

        with flow.cell():
            key = self._sync((*path, "kind"), kind_of(found) if found else None)
            st.selectbox(
                label_of(setting),
                list(labels),
                format_func=labels.__getitem__,
                key=key,
                help=f"{help_of(setting)}\n\n{about(found)}" if found else help_of(setting),
                on_change=take,
                args=(key,),
            )
            self.tell(path, below=False)
        if found:
            self.fields(flow, found, path)

    def _scalar(self, owner: type[Spec], setting: Setting, path: tuple[str | int, ...]) -> None:
        value = self.at(path)
        dotted = ".".join(map(str, path))
        offers = self.offers.get(dotted)
        common: dict[str, Any] = {"help": help_of(setting), "on_change": self._take}

        def options(shown: Any) -> dict[str, Any]:
            key = self._sync(path, shown)
            return common | {"key": key, "args": (owner, setting, path, key)}

        # Only where None is a value may the field be emptied.
        blank = self.blanks.get(dotted, "automatic")
        number: dict[str, Any] = {"value": None, "placeholder": blank} if setting.optional else {}
        label = label_of(setting)
        match setting.type:
            case "bool":
                st.toggle(label, **options(bool(value)))
            case "int":
                st.number_input(label, step=int(setting.step or 1), **number, **options(value))
            case "float":
                shown = None if value is None else float(value)
                step = float(setting.step or 0.01)
                st.number_input(label, step=step, format="%g", **number, **options(shown))
            case "choice":
                st.selectbox(label, list(setting.choices), format_func=str, **options(value))
            case "numbers":
                st.text_input(label, **options(show_numbers(value)))
            case _ if offers is not None:
                self._pick(label, path, str(value), offers, options(str(value)))
            case _:
                st.text_input(label, **options(str(value)))

    def _pick(
        self,
        label: str,
        path: tuple[str | int, ...],
        value: str,
        offers: Sequence[str],
        options: dict[str, Any],
    ) -> None:
        """A text that is picked from a list; a value that is not on it stays choosable."""
        values = list(offers) if value in offers else [value, *offers]
        words = self.wording.get(".".join(map(str, path)), str)
        st.selectbox(label, values, format_func=words, **options)

    def _take(self, owner: type[Spec], setting: Setting, path: tuple[str | int, ...], key: str) -> None:
        """A widget was changed: write what it holds into the draft."""
        value = st.session_state[key]
        if setting.type == "numbers":
            value = read_numbers(value or "", owner, setting)
        elif setting.type == "float" and value is not None:
            # The browser's step buttons add in binary: 0.1 + 0.05 is not 0.15000000000000002 to a person.
            value = float(f"{value:.12g}")
        self.put(path, value)

    def _sync(self, path: tuple[str | int, ...], shown: Any) -> str:
        """The widget's key, with its state set to what the draft holds."""
        key = f"{self.key}:{'.'.join(self.key_names(path))}"
        # What is set here must not be set again: a widget that was set is sent to the browser anew.
        if key not in st.session_state or st.session_state[key] != shown:
            st.session_state[key] = shown
        return key

    def key_names(self, path: tuple[str | int, ...]) -> list[str]:
        """A path for keys, items of lists by kind and count: they keep their widgets when they move."""
        names: list[str] = []
        for index, part in enumerate(path):
            if isinstance(part, int):
                items = self.at(path[:index])
                kind = items[part]["kind"]
                names.append(f"{kind}-{sum(1 for item in items[:part] if item['kind'] == kind)}")
            else:
                names.append(part)
        return names

    def tell(self, path: tuple[str | int, ...], *, below: bool = True) -> None:
        """What is wrong with a field, below it: rule and remedy."""
        dotted = ".".join(map(str, path))
        lines = []
        for problem in self.problems_at(path, below=below):
            inside = problem.field.removeprefix(dotted).removeprefix(".").removeprefix("kind")
            place = f"{plain(field_words(self.spec, {}, inside))} " if inside else ""
            remedy = f"; {problem.remedy}" if problem.remedy else ""
            bad = f"{plain(show_number(problem.value))} " if inside else ""
            lines.append(f":red[:small[{place}{bad}{plain(problem.rule + remedy)}]]")
        if lines:
            # One element: a cell has one row for its widget and one for this.
            st.markdown("  \n".join(lines))
