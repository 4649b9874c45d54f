"""Reads the call, runs the command, and turns errors into one sentence and an exit status."""

import argparse
import os
import sys
from collections.abc import Sequence

from core import __version__
from core.cli.arguments import add_commands
from core.cli.log import keep_traceback
from core.errors import PlateauError, first_line
from core.problems import refusal


def main(arguments: Sequence[str]) -> int:
    """Run one command. Returns 0, 1 (with one sentence on standard error) or 2 for a wrong call."""
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description="Plateau without a browser: data sets, runs, predictions.",
        epilog="PLATEAU_RUNS and PLATEAU_DATA name the folders; the app uses the same ones.",
    )
    parser.add_argument("--version", action="version", version=f"Plateau {__version__}")
    add_commands(parser)
    try:
        call = parser.parse_args(arguments)
    except SystemExit as error:
        return int(error.code or 0) if isinstance(error.code, int) else 2
    try:
        status = call.command(call)
        return int(status or 0)
    except PlateauError as error:
        sys.stderr.write(f"{error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
    except BrokenPipeError:
        # Whoever read the output has gone, as `| head` does.
        sys.stderr.close()
    except OSError as error:
        sys.stderr.write(f"{refusal(error)}\n")
    except Exception as error:  # a fault of ours: a sentence here, the traceback in the log
        log = keep_traceback(error)
        where = f"{log} has the details" if log else "PLATEAU_DEBUG=1 shows where"
        sys.stderr.write(
            f"An unexpected error ended the command ({type(error).__name__}: {first_line(error)}); {where}.\n"
        )
        if os.environ.get("PLATEAU_DEBUG") == "1":
            raise
    return 1
