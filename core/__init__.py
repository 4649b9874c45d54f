"""Plateau without a browser: settings, data, models, training, runs, comparison, prediction.

Nothing in here imports Streamlit.
"""

__version__ = "0.1.0"
