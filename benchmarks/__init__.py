"""What is measured, each a command: `python -m benchmarks.NAME --help`."""

import core  # noqa: F401  (before torch: it says how torch's threads wait for each other)
