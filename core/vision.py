"""torchvision, imported so that it also works beside a CPU build of torch.

torchvision's wheels on PyPI are compiled against torch's CUDA build. Beside a CPU build their
compiled part cannot be loaded, and `import torchvision` then fails while it registers shapes for
two detection operators that nobody here uses. Declaring those two operators first lets the
import succeed; everything else in torchvision that Plateau uses is plain Python.

Every module of the project takes torchvision from here: `from core.vision import torchvision`.
"""

import importlib.util
from pathlib import Path

import torch


def _declare_detection_operators() -> list[torch.library.Library]:
    """Declare `torchvision::nms` and `::qnms` if the compiled part cannot be loaded.

    Returns the libraries, which must stay referenced: torch drops the operators with them.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return []
    compiled = next(iter(Path(spec.origin).parent.glob("_C*")), None)
    if compiled is not None:
        try:
            torch.ops.load_library(str(compiled))
        except OSError:
            pass
        else:
            return []
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return [library]


_KEEP_ALIVE = _declare_detection_operators()

import torchvision  # noqa: E402  (must come after the declaration)

__all__ = ["torchvision"]
