"""The command `python -m weir.worker FILE`, or `-m MODULE`, which Weir starts."""

from __future__ import annotations

import os
import sys
from typing import List

from .loading import Program
from .process import start


def main(arguments: List[str]) -> int:
    """Runs the command and returns its exit status."""
    if len(arguments) == 2 and arguments[0] == "-m":
        module = arguments[1]
        return start(lambda: Program.from_module(module))
    if len(arguments) == 1 and not arguments[0].startswith("-"):
        file = arguments[0]
        return start(lambda: Program.from_file(file))
    print("usage: python -m weir.worker FILE | -m MODULE", file=sys.stderr)
    return 2


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # Threads and exit handlers of the user's libraries must not keep the process.
    os._exit(status)
