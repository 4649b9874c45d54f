"""What is missing from a run's curves, in sentences; the pages' name for core/insight/row_notes.py."""

from core.insight.row_notes import rows_notes

__all__ = ["rows_notes"]
