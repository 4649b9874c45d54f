"""What a file is by its first bytes, whatever its name says."""

_SIGNATURES = (
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "an EPS drawing"),
    (b"\xc5\xd0\xd3\xc6", "an EPS drawing"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\1\0", "an icon"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x80\x02", "a pickle, which may hold programs"),
    (b"\x80\x04", "a pickle, which may hold programs"),
)
_BRANDS = {b"hei": "a HEIC photograph", b"hev": "a HEIC photograph", b"mif": "a HEIC photograph"}
_MARKUP = ((b"<svg", "an SVG drawing"), (b"<!doctype html", "a web page"), (b"<html", "a web page"))


def kind_by_content(content: bytes) -> str:
    """'a PDF document', 'a 7z archive', ...; empty for what is none of those that people mix up with
    images and zip archives."""
    for signature, kind in _SIGNATURES:
        if content.startswith(signature):
            return kind
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:11], "an AVIF image" if content[8:11] == b"avi" else "a video")
    if content[257:262] == b"ustar":
        return "a tar archive"
    begin = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if begin.startswith(b"<"):
        return next((kind for mark, kind in _MARKUP if mark in begin), "")
    return ""
