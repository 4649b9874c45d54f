"""torchvision can be imported beside a CPU build of torch."""

import subprocess
import sys

from core.vision import torchvision


def test_torchvision_is_usable() -> None:
    assert torchvision.__version__
    assert callable(torchvision.models.resnet18)


def test_it_can_be_the_very_first_import() -> None:
    code = "from core.vision import torchvision; torchvision.ops.StochasticDepth(0.5, 'row')"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
