"""Importing the user's code, and its version."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Callable

from .definitions import definitions

_MOST_FILES = 10_000


class Program:
    """The user's program: its main file or module."""

    def __init__(self, folder: str, load: Callable[[], ModuleType]) -> None:
        self.folder = os.path.realpath(folder)
        self._load = load
        self._file = ""

    @classmethod
    def from_file(cls, file: str) -> Program:
        """A file, imported as a module of its name; the modules beside it can be imported."""
        path = os.path.realpath(file)
        return cls(os.path.dirname(path), lambda: _import_file(path, file))

    @classmethod
    def from_module(cls, name: str) -> Program:
        """A module by its name, from the working directory or what is installed."""
        return cls(os.getcwd(), lambda: importlib.import_module(name))

    @classmethod
    def from_main(cls) -> Program:
        """The file that Python was started with."""
        main = sys.modules["__main__"]
        return cls(os.path.dirname(os.path.realpath(main.__file__ or "")), lambda: main)

    def load(self) -> None:
        """Imports the code, which enters its definitions."""
        if self.folder not in sys.path:
            sys.path.insert(0, self.folder)
        self._file = os.path.realpath(self._load().__file__ or "")
        self.folder = os.path.dirname(self._file)

    @property
    def name(self) -> str:
        """The name of the main file without its ending; of a package, that of its folder."""
        stem = os.path.splitext(os.path.basename(self._file))[0]
        return os.path.basename(self.folder) if stem in ("__init__", "__main__") else stem

    @property
    def version(self) -> str:
        """The version that was set, or the SHA-256 of the main file and the modules beside it."""
        if definitions.version is not None:
            return definitions.version
        digest = hashlib.sha256()
        for path in _modules(self.folder, self._file):
            with open(path, "rb") as file:
                content = file.read()
            name = os.path.relpath(path, self.folder).encode()
            digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
        return f"sha256:{digest.hexdigest()}"


def _import_file(path: str, given: str) -> ModuleType:
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {given}")
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{given} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


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
