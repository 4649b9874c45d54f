"""What the pages are made of: the form, the charts, the words."""
