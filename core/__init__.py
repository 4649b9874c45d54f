"""Plateau without a browser: settings, data, models, training, runs, comparison, prediction.

Nothing in here imports Streamlit.
"""

import os

__version__ = "0.1.0"

# Threads of a matrix operation that wait for each other must sleep, not spin: beside pages and a
# browser, spinning ones take the very core that they wait for. OpenMP reads this once, when torch is
# imported, so it stands here, in front of every import of torch. A person's own setting wins.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
