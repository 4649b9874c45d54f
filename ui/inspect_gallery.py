"""Images with what was said about them, a page at a time; enlarged without smoothing."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st

from ui.pixels import RIGHT, WRONG, factor_for, image_tag

PER_PAGE = 24
_TARGET_PX = 112
_ROW_PX = 33
"""A row of a table on these pages."""

STYLE = f"""<style>
.pl-gallery {{ display:grid; grid-template-columns:repeat(auto-fill,minmax(136px,1fr)); gap:14px 12px;
  padding:2px; }}
.pl-gallery figure {{ margin:0; min-width:0; }}
.pl-gallery figcaption {{ font-size:0.8rem; line-height:1.35; margin-top:5px;
  font-variant-numeric:tabular-nums; }}
.pl-line {{ display:flex; gap:4px; min-width:0; }}
.pl-text {{ overflow:hidden; text-overflow:ellipsis; white-space:nowrap; min-width:0; }}
.pl-figure {{ flex:none; opacity:0.75; }}
.pl-role {{ flex:none; opacity:0.6; }}
.pl-yes {{ color:{RIGHT}; flex:none; font-weight:600; }}
.pl-no {{ color:{WRONG}; flex:none; font-weight:600; }}
</style>"""


def table_height(rows: int, most: int) -> int | Literal["content"]:
    """A table as high as its rows, up to `most` of them; beyond it scrolls."""
    return "content" if rows <= most else (most + 1) * _ROW_PX


@dataclass(frozen=True)
class Line:
    """One line under an image: 'said dog 98.2 %', with a mark for right or wrong."""

    role: str
    text: str
    figure: str = ""
    mark: Literal["", "right", "wrong"] = ""


@dataclass(frozen=True)
class Picture:
    """One image of a gallery; without pixels only its lines are shown."""

    pixels: np.ndarray | None  # (H, W, C) uint8
    lines: tuple[Line, ...]
    name: str = ""


def gallery(key: str, places: np.ndarray, picture: Callable[[int], Picture], *, told: str = "") -> None:
    """The images at these places of a split, PER_PAGE at a time; `picture` makes one when it is drawn.

    `told` says what is shown; another sentence than before begins with the first page again.
    """
    if len(places) == 0:
        st.caption("No image.")
        return
    _pages(key, [int(place) for place in places], picture, told)


@st.fragment
def _pages(key: str, places: list[int], picture: Callable[[int], Picture], told: str) -> None:
    """Turning a page draws the gallery alone."""
    asked = f"{told} {len(places)}"
    kept: dict[str, Any] = st.session_state.setdefault(f"{key}_page", {"of": asked, "at": 0})
    if kept["of"] != asked:
        kept.update(of=asked, at=0)
    last = (len(places) - 1) // PER_PAGE
    at = kept["at"] = min(kept["at"], last)
    if last:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                "Previous images",
                icon=":material/chevron_left:",
                key=f"{key}_back",
                disabled=at == 0,
                on_click=_turn,
                args=(kept, -1),
            )
            st.button(
                "Next images",
                icon=":material/chevron_right:",
                key=f"{key}_next",
                disabled=at == last,
                on_click=_turn,
                args=(kept, 1),
            )
            first = at * PER_PAGE
            st.caption(f"{first + 1:,} to {min(first + PER_PAGE, len(places)):,} of {len(places):,}")
    shown = places[at * PER_PAGE : (at + 1) * PER_PAGE]
    st.html(STYLE + figures([picture(place) for place in shown]))


def _turn(kept: dict[str, Any], pages: int) -> None:
    kept["at"] += pages


def figures(pictures: list[Picture]) -> str:
    """HTML of the images in a grid that follows the window's width."""
    return f'<div class="pl-gallery">{"".join(_figure(picture) for picture in pictures)}</div>'


def _figure(picture: Picture) -> str:
    tag = ""
    if picture.pixels is not None:
        factor = factor_for(picture.pixels.shape[0], _TARGET_PX)
        said = ", ".join(f"{line.role} {line.text}".strip() for line in picture.lines)
        tag = image_tag(picture.pixels, factor, alt=said, tooltip=picture.name or said)
    lines = "".join(_line(line) for line in picture.lines)
    return f"<figure>{tag}<figcaption>{lines}</figcaption></figure>"


def _line(line: Line) -> str:
    text = html.escape(line.text)
    mark = {"": "", "right": '<span class="pl-yes">✓</span>', "wrong": '<span class="pl-no">✗</span>'}[
        line.mark
    ]
    role = f'<span class="pl-role">{html.escape(line.role)}</span>' if line.role else ""
    figure = f'<span class="pl-figure">{html.escape(line.figure)}</span>' if line.figure else ""
    return (
        f'<div class="pl-line">{mark}{role}<span class="pl-text" title="{text}">{text}</span>{figure}</div>'
    )
