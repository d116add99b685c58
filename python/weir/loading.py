"""Importing the user's code, and its version."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Iterator, Optional

from .definitions import definitions

_MOST_FILES = 10_000


class Program:
    """The user's program: its main file or module."""

    def __init__(self, module: Optional[ModuleType] = None, file: str = "") -> None:
        self.module = module
        self.file = os.path.realpath(file or getattr(module, "__file__", None) or "")
        self.folder = os.path.dirname(self.file)

    @classmethod
    def from_file(cls, file: str) -> Program:
        """Imports a file as a module of its name; the modules beside it can be imported."""
        program = cls(file=file)
        if not os.path.isfile(program.file):
            raise FileNotFoundError(f"there is no file {file}")
        name = os.path.splitext(os.path.basename(program.file))[0]
        if program.folder not in sys.path:
            sys.path.insert(0, program.folder)
        spec = importlib.util.spec_from_file_location(name, program.file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is no Python file")
        program.module = importlib.util.module_from_spec(spec)
        sys.modules[name] = program.module
        spec.loader.exec_module(program.module)
        return program

    @classmethod
    def from_module(cls, name: str) -> Program:
        """Imports a module by its name, from the working directory or what is installed."""
        if os.getcwd() not in sys.path:
            sys.path.insert(0, os.getcwd())
        return cls(importlib.import_module(name))

    @property
    def name(self) -> str:
        """The name of the main file without its ending; of a package, that of its folder."""
        stem = os.path.splitext(os.path.basename(self.file))[0]
        return os.path.basename(self.folder) if stem in ("__init__", "__main__") else stem

    @property
    def version(self) -> str:
        """The version that was set, or the SHA-256 of the main file and the modules beside it."""
        if definitions.version is not None:
            return definitions.version
        digest = hashlib.sha256()
        for path in _modules(self.folder, self.file):
            with open(path, "rb") as file:
                content = file.read()
            name = os.path.relpath(path, self.folder).encode()
            digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
        return f"sha256:{digest.hexdigest()}"


def _modules(folder: str, main: str) -> Iterator[str]:
    """Yields the main file and the modules and packages of its folder, in an order of their own."""
    yield main
    left = _MOST_FILES
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if os.path.isfile(os.path.join(at, name, "__init__.py")))
        for name in sorted(files):
            path = os.path.join(at, name)
            if name.endswith(".py") and path != main:
                left -= 1
                if left < 0:
                    return
                yield path
