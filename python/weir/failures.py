"""Errors, as programs raise them and as the protocol carries them."""

from __future__ import annotations

import os
import sysconfig
import traceback
from typing import Any, Optional

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
FUNCTION_FAILED = -32000
UNKNOWN_FUNCTION = -32001
LOADING_FAILED = -32002
BAD_RETURN = -32003
UNSUPPORTED_PROTOCOL = -32004
CANCELLED = -32005

_LIBRARIES = tuple({os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("purelib", "platlib", "stdlib")})


class Retry(Exception):
    """Raised by a job: fail this attempt and try again `after` so many seconds (by default as Weir sees fit)."""

    def __init__(self, after: Optional[float] = None) -> None:
        super().__init__("another attempt is asked for")
        self.after = after


class Cancelled(Exception):
    """Raised by a job that ends because `weir.cancelled()` is true."""


class DefinitionError(Exception):
    """A scorer, job or source that is not defined as it should be."""


class BadReturn(Exception):
    """A function returned something that does not fit its declaration. The message holds no value."""


class ArgumentError(Exception):
    """An argument of a job or source does not fit the signature. The message holds no value."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class ProtocolError(Exception):
    """An error response: code, message and data."""

    def __init__(self, code: int, message: str, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.data = {name: value for name, value in data.items() if value is not None}

    def to_wire(self) -> dict[str, Any]:
        """Returns the member `error` of a response."""
        message = " ".join(str(self).split())[:1000]
        error: dict[str, Any] = {"code": self.code, "message": message}
        if self.data:
            error["data"] = self.data
        return error


def locate(error: BaseException, folder: str) -> tuple[Optional[str], Optional[int]]:
    """Finds where in the user's code an error was raised: the innermost frame in `folder`, its file relative to that."""
    if isinstance(error, SyntaxError) and error.filename and _is_inside(error.filename, folder):
        return os.path.relpath(os.path.realpath(error.filename), folder), error.lineno
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if _is_inside(file, folder):
            return os.path.relpath(os.path.realpath(file), folder), line
    return None, None


def _is_inside(file: str, folder: str) -> bool:
    file = os.path.realpath(file)
    return (
        file.startswith(folder.rstrip(os.sep) + os.sep)
        and not file.startswith(_LIBRARIES)
        and f"{os.sep}site-packages{os.sep}" not in file
    )


def describe(error: BaseException, folder: str, function: str = "") -> tuple[str, dict[str, Any]]:
    """Returns a message and data for an error that user code raised: its type and place, nothing of its text."""
    kind = type(error).__name__
    file, line = locate(error, folder)
    where = f" at {file}:{line}" if file else ""
    within = f" in {function}" if function else ""
    data: dict[str, Any] = {"type": kind}
    if file:
        data.update(file=file, line=line)
    return f"{kind}{where}{within}", data
