"""The command `python -m weir.worker FILE`, or `-m MODULE`, which Weir starts."""

from __future__ import annotations

import os
import sys

from .loading import Program
from .process import start


def main(arguments: list[str]) -> int:
    """Runs the command and returns its exit status."""
    if len(arguments) == 2 and arguments[0] == "-m":
        return start(Program.from_module(arguments[1]))
    if len(arguments) == 1 and not arguments[0].startswith("-"):
        return start(Program.from_file(arguments[0]))
    print("usage: python -m weir.worker FILE | -m MODULE", file=sys.stderr)
    return 2


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # Threads and exit handlers of the user's libraries must not keep the process.
    os._exit(status)
