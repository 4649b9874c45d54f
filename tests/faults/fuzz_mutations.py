"""Valid content made hostile: bytes, JSON, text and names, all out of one generator of random numbers."""

import copy
import json
import struct
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.faults.fuzz_guard import SECRET

NUMBERS = [
    0,
    1,
    -1,
    2,
    7,
    255,
    256,
    65_535,
    65_536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
    2**64,
    10**30,
    10**400,
]
FLOATS = [0.5, -0.0, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf"), 1.0, 2.5]
TEXTS = [
    "",
    " ",
    "\0",
    "a\nb",
    "\r",
    "\u202egnp.x",
    "\ud800",
    "é",
    "🙂",
    "..",
    "../..",
    f"../{SECRET}",
    f"../{SECRET}.png",
    "/etc/passwd",
    "C:\\x",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "{0}",
    "%s",
    "nan",
    "inf",
    "1e999",
    "0x10",
    "true",
    "none",
    "x" * 300,
    "y" * 70_000,
    "kind",
    "__class__",
]
LONG_NUMBER = "a number of five thousand digits"
DEEP = "a list in a list in a list"
TOKENS = [
    b"\0", b"\xff", b"\n", b"\r\n", b'"', b"'", b",", b";", b"\t", b"{", b"}", b"[", b"]", b":", b"\\",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"NaN", b"Infinity", b"-", b"1e999", b"null", b"\\ud800",
    b"../", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x80\x02", b"%PDF", b"\0" * 64, b"\xff" * 8,
]  # fmt: skip


def mutated_bytes(rng: Random, seeds: Sequence[bytes], most: int = 4) -> bytes:
    """One of the seeds with up to `most` changes: flips, cuts, insertions, splices, extreme numbers."""
    content = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, most)):
        _change(rng, content, seeds)
    return bytes(content)


def _change(rng: Random, content: bytearray, seeds: Sequence[bytes]) -> None:
    size = len(content)
    if not size:
        content += rng.choice(TOKENS)
        return
    at = rng.randrange(size)
    length = min(size - at, 1 << rng.randrange(8))
    match rng.randrange(9):
        case 0:
            content[at] ^= 1 << rng.randrange(8)
        case 1:
            content[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        case 2:
            del content[at:]
        case 3:
            del content[at : at + length]
        case 4:
            content[at:at] = content[at : at + length] * rng.choice((1, 2, 9))
        case 5:
            content[at:at] = rng.choice(TOKENS)
        case 6:
            other = rng.choice(seeds)
            start = rng.randrange(len(other)) if other else 0
            content[at : at + length] = other[start : start + length]
        case 7:
            form = rng.choice("BHIQ")
            value = rng.choice(NUMBERS) % 256 ** struct.calcsize(form)
            packed = struct.pack(rng.choice("<>") + form, value)
            content[at : at + len(packed)] = packed
        case _:
            first, second = sorted((at, rng.randrange(size)))
            content[first : first + 4], content[second : second + 4] = (
                content[second : second + 4],
                content[first : first + 4],
            )


def hostile_value(rng: Random) -> Any:
    """Something that JSON can hold and few fields expect."""
    match rng.randrange(7):
        case 0:
            return rng.choice([None, True, False, [], {}, [[]], {"kind": "x"}, [1, 2, 3]])
        case 1 | 2:
            return rng.choice(NUMBERS)
        case 3:
            return rng.choice(FLOATS)
        case 4:
            return rng.choice([LONG_NUMBER, DEEP]) if rng.random() < 0.2 else rng.randint(-1000, 1000)
        case _:
            return rng.choice(TEXTS)


def mutated_value(rng: Random, value: Any, others: Sequence[Any] = (), most: int = 3) -> Any:
    """A JSON value with up to `most` of its parts replaced, removed, renamed, moved or repeated."""
    root = [copy.deepcopy(value)]
    for _ in range(rng.randint(1, most)):
        holder, key = rng.choice(places(root))
        match rng.randrange(8):
            case 0 | 1 | 2:
                holder[key] = hostile_value(rng)
            case 3 if holder is not root:
                del holder[key]
            case 4 if isinstance(holder, dict):
                holder[rng.choice(TEXTS)] = holder.pop(key)
            case 5:
                donor = [copy.deepcopy(rng.choice(others))] if others else root
                other, where = rng.choice(places(donor))
                holder[key] = copy.deepcopy(other[where])
            case 6 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] = rng.choice((-holder[key], holder[key] * 10, holder[key] + 1, str(holder[key])))
            case _ if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case _:
                holder[key] = [holder[key]]
    return root[0]


def places(root: list[Any]) -> list[tuple[Any, Any]]:
    """Every part of a value, as what holds it and where it stands in there."""
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [root]
    while waiting:
        holder = waiting.pop()
        items = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in items:
            found.append((holder, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return found


def json_bytes(rng: Random, value: Any) -> bytes:
    """The value as JSON, in one of the ways in which it can be written."""
    indent, only_ascii = rng.choice((None, 1)), rng.random() < 0.5
    return as_json(value, indent, only_ascii, rng.choice((3, 300, 100_000)))


def as_json(value: Any, indent: int | None, only_ascii: bool, depth: int) -> bytes:
    """The value as JSON, with what Python cannot hold itself put in as text."""
    text = json.dumps(value, indent=indent, ensure_ascii=only_ascii)
    text = text.replace(f'"{LONG_NUMBER}"', "9" * 5_000)
    return text.replace(f'"{DEEP}"', "[" * depth + "]" * depth).encode("utf-8", "surrogatepass")


def mutated_json(rng: Random, seeds: Sequence[Any], most: int = 3) -> bytes:
    """The JSON of one of the values, changed in its parts, in its bytes, or in both."""
    value = rng.choice(seeds)
    way = rng.random()
    if way < 0.8:
        value = mutated_value(rng, value, seeds, most)
    content = json_bytes(rng, value)
    return content if way < 0.6 else mutated_bytes(rng, [content])


def hostile_name(rng: Random, good: Sequence[str]) -> str:
    """A file's name: one of the good ones, a hostile one, or both in one."""
    parts = [
        rng.choice(good) if rng.random() < 0.6 else rng.choice(NAME_PARTS) for _ in range(rng.randint(1, 3))
    ]
    return rng.choice(("/", "", "/", "\\")).join(parts)


NAME_PARTS = [
    *TEXTS[:-3],
    ".",
    "...",
    "a.",
    "a ",
    "CON",
    "nul.png",
    "COM1.txt",
    "cafe\u0301.png",
    "caf\u00e9.png",
    "A.PNG",
    "a.png",
    ".hidden",
    "__MACOSX",
    "x.zip",
    "x.pkl",
    "x.py",
    "train",
    "test",
    "val",
    "a:b",
    "~",
    "$HOME",
    "-rf",
]
