"""The command line: everything that the pages do, without a browser."""
