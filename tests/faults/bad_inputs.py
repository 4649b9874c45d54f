"""All bad inputs, by kind. `python -m tests.faults.bad_inputs` counts them and prints what is said."""

from tests.faults.bad_archives import BAD_ARCHIVES
from tests.faults.bad_case import Bad
from tests.faults.bad_datasets import BAD_DATASETS
from tests.faults.bad_images import BAD_IMAGES
from tests.faults.bad_settings import BAD_SETTINGS
from tests.faults.bad_stored import BAD_STORED
from tests.faults.bad_uploads import BAD_UPLOADS

BAD_INPUTS: dict[str, list[Bad]] = {
    "images": BAD_IMAGES,
    "uploads": BAD_UPLOADS,
    "archives": BAD_ARCHIVES,
    "data sets": BAD_DATASETS,
    "settings": BAD_SETTINGS,
    "stored files": BAD_STORED,
}

if __name__ == "__main__":
    for kind, found in BAD_INPUTS.items():
        print(f"| {kind} | {len(found)} |")
