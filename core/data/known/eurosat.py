"""EuroSAT: satellite images in class folders."""

from core.data.collection import Collection
from core.data.folder import collect_folder
from core.data.known.download import Downloads, RemoteFile
from core.data.known.known_set import KnownSet

# torchvision keeps address and checksum inside its download function; a test compares them.
_ARCHIVE = RemoteFile(
    "EuroSAT.zip",
    (
        "https://huggingface.co/datasets/torchgeo/eurosat/resolve/"
        "c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
    ),
    "c8fa014336c82ac7804f0398fcb19387",
)


def collect_eurosat(downloads: Downloads) -> Collection:
    """Ten kinds of land use; it comes without a split."""
    folder = downloads.root / "eurosat"
    if not (folder / "2750").is_dir():
        downloads.unpack(downloads.get(_ARCHIVE, folder), folder, ["2750"])
    return collect_folder(folder / "2750")


EUROSAT = KnownSet("EuroSAT", collect_eurosat, ("eurosat/2750", "eurosat/EuroSAT.zip"), 94)
