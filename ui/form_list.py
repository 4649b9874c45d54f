"""An ordered list of choices: one line each, folded; added from a menu, moved, removed."""

from typing import Any

import streamlit as st

from core.spec import Setting, defaults_of, kind_of, member
from ui.form_cells import Fields, Flow, Path, about
from ui.words import plain


def draw_list(form: Fields, flow: Flow, setting: Setting, path: Path) -> None:
    """The items at `path` in their order, and the menu that adds one."""
    items: list[dict[str, Any]] = form.at(path)
    with flow.block():
        form.tell(path, below=False)
        if items:
            with st.container(key=f"items-{form.key}-{'-'.join(map(str, path))}"):
                for index in range(len(items)):
                    _draw_item(form, setting, path, index, len(items))
        _draw_menu(form, setting, path, items)


def _draw_item(form: Fields, setting: Setting, path: Path, index: int, count: int) -> None:
    here = (*path, index)
    values = form.at(here)
    spec = member(setting.choices, values)
    assert spec is not None  # conform() leaves no other
    name = "-".join(form.key_names(here))
    items = form.at(path)
    with st.container(horizontal=True, gap="xsmall", key=f"item-{form.key}-{name}"):
        bad = form.problems_at(here)
        line = f":red[{plain(spec.label)}: has an invalid value]" if bad else plain(form.line(spec, values))
        with st.expander(line, key=f"{form.key}:{name}:fold", type="compact"):
            st.caption(about(spec))
            form.tell(here, below=False)
            inner = Flow(st.container(), f"{form.key}-{name}")
            form.fields(inner, spec, here)
        for icon, words, act, possible in (
            ("arrow_upward", "Apply it earlier", (index, index - 1), index > 0),
            ("arrow_downward", "Apply it later", (index, index + 1), index < count - 1),
            ("close", "Remove it", (index, None), True),
        ):
            st.button(
                f":material/{icon}:",
                key=f"{form.key}:{name}:{icon}",
                help=words,
                type="tertiary",
                disabled=not possible,
                on_click=_move,
                args=(items, *act),
            )


def _move(items: list[dict[str, Any]], source: int, target: int | None) -> None:
    """Move an item to another place, or remove it."""
    item = items.pop(source)
    if target is not None:
        items.insert(target, item)


def _draw_menu(form: Fields, setting: Setting, path: Path, items: list[dict[str, Any]]) -> None:
    by_kind = {kind_of(c): c for c in setting.choices}
    key = f"{form.key}:{'.'.join(map(str, path))}:add"
    what = setting.label.lower()

    def add() -> None:
        kind = st.session_state[key]
        st.session_state[key] = None
        if kind:
            items.append(defaults_of(by_kind[kind]))

    st.selectbox(
        f"Add to the {what}",
        list(by_kind),
        index=None,
        format_func=lambda kind: by_kind[kind].label,
        key=key,
        placeholder=f"Add to the {what} …" if items else f"No {what} yet. Add one …",
        label_visibility="collapsed",
        help=setting.help,
        on_change=add,
    )
