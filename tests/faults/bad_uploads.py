"""Uploads whose names are the attack: what is stored is called otherwise, and what is said can be shown."""

import io
from collections.abc import Callable
from contextlib import closing

from core.data.decode import decode_image
from core.data.import_job import UploadedZip
from tests.faults.bad_case import Act, Bad, Desk

NAMES = {
    "climbs": "../../etc/passwd.zip",
    "climbs on Windows": "..\\..\\evil.zip",
    "absolute": "/etc/cron.d/evil.zip",
    "drive": "C:\\Windows\\evil.zip",
    "colon": "a:b.zip",
    "NUL": "a\0b.zip",
    "newline": "a\nb.zip",
    "from right to left": "a\u202epiz.exe.zip",
    "300 bytes": "x" * 296 + ".zip",
    "300 bytes of another script": "\u6f22" * 98 + ".zip",
    "HTML": "<img src=x onerror=alert(1)>.zip",
    "Markdown": "[click](javascript:alert(1)).zip",
    "hidden": ".zip",
    "dots": "....zip",
    "empty": "",
}

_CUT = " is not a whole zip archive: it is damaged or cut short; copy or download it again."
_KEPT = {
    "climbs": "passwd.zip",
    "climbs on Windows": "evil.zip",
    "absolute": "evil.zip",
    "drive": "evil.zip",
    "colon": "a_b.zip",
    "NUL": "a_b.zip",
    "newline": "a_b.zip",
    "from right to left": "a_piz.exe.zip",
    "300 bytes": "x" * 77 + "...",
    "300 bytes of another script": "\u6f22" * 32 + ".zip",
    "HTML": "_img src_x onerror_alert(1)_.zip",
    "Markdown": "_click_(javascript_alert(1)).zip",
    "hidden": "zip",
    "dots": "zip",
    "empty": "upload.zip",
}
_IMAGES = {
    "NUL": ("a\0b.png", "a?b.png"),
    "newline": ("a\nb.png", "a?b.png"),
    "from right to left": ("a\u202egnp.exe", "a?gnp.exe"),
    "not seen": ("a\u200bb\u2066.png", "a?b?.png"),
    "300 bytes": ("x" * 296 + ".png", "x" * 197 + "..."),
    "HTML": ("<script>alert(1)</script>.png", "<script>alert(1)</script>.png"),
    "half a character": ("a\ud800.png", "a?.png"),
}


def _upload(name: str) -> Callable[[Desk], Act]:
    def make(desk: Desk) -> Act:
        def act() -> None:
            with closing(UploadedZip.keep(io.BytesIO(b"no zip"), name, desk.library.folder)) as source:
                desk.importing(source)()  # type: ignore[arg-type]

        return act

    return make


def _image(name: str) -> Callable[[Desk], Act]:
    return lambda desk: lambda: decode_image(b"", name)


BAD_UPLOADS = [
    Bad(f"a zip's name: {what}", _KEPT[what] + _CUT, _upload(name)) for what, name in NAMES.items()
]
BAD_UPLOADS += [
    Bad(f"an image's name: {what}", f"{said} is empty; save it again.", _image(name))
    for what, (name, said) in _IMAGES.items()
]
