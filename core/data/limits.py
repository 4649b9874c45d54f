"""What is taken from untrusted files at most: the one place where these numbers stand."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper bounds of images, archives and tables."""

    image_bytes: int = 20 * 1024**2
    image_pixels: int = 40_000_000
    image_metadata_bytes: int = 4 * 1024**2
    """Of an image's colour profile, EXIF block, comments and texts together."""
    image_aspect: float = 100.0
    """The longer side over the shorter one."""
    image_pieces: int = 20_000
    """Chunks of a PNG, or bytes between the segments of a JPEG's header. More are nothing that a camera or
    a program wrote, and make reading slow."""
    jpeg_scans: int = 32
    """Of a progressive JPEG, whose decoder goes over the whole picture with each; ten are common."""
    image_seconds: float = 30.0
    """Until an image is decoded; looked at whenever its decoder asks for more of the file, and at the end.
    The slowest file within the bounds above takes two on an idle machine."""
    archive_bytes: int = 2 * 1024**3
    """Of all files of an archive, expanded."""
    archive_files: int = 200_000
    archive_seconds: float = 3600.0
    """Until all files of an archive are extracted."""
    archive_ratio: float = 100.0
    """Expanded over compressed, of the whole archive and of each large file in it."""
    archive_ratio_from: int = 1024**2
    """Files smaller than this may be compressed any amount: a plain small bitmap shrinks a lot."""
    archive_path_bytes: int = 1000
    """Of a file's whole path inside an archive."""
    archive_depth: int = 64
    """Folders around a file, and the file."""
    table_bytes: int = 256 * 1024**2
    table_rows: int = 2_000_000
    """Of a CSV. A row takes some 300 bytes of memory, however short it is."""
    table_row: int = 1_000_000
    """Characters of one row of a CSV, over all the lines that its quotations span."""
    table_columns: int = 10_000
    """Of a CSV, counted as a row's commas before the row is taken apart."""


LIMITS = Limits()
