"""The diary: every run in order, as a person would have written it down, as Markdown or HTML."""
