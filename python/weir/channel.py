"""The two pipes to Weir: a JSON-RPC message on each line."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, Callable, Optional

from .failures import BAD_RETURN, PARSE_ERROR, ProtocolError

MAX_LINE_BYTES = 16 * 1024 * 1024
MAX_LOG_CHARS = 64 * 1024

Message = dict[str, Any]


class Channel:
    """Reads and writes messages. Any thread may write; one reads."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd, self._write_fd = read_fd, write_fd
        self._lock = threading.Lock()
        self._is_ours = True
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._abandon)

    @classmethod
    def take_over_stdio(cls) -> Channel:
        """Moves the protocol's pipes away from descriptors 0 and 1: prints of Python and C go to stderr, and nobody reads Weir's lines."""
        sys.stdout.flush()
        read_fd, write_fd = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
        return cls(read_fd, write_fd)

    def _abandon(self) -> None:
        # A child that was forked must neither speak for this process nor hold its pipes open.
        self._is_ours = False
        self._lock = threading.Lock()
        for fd in (self._read_fd, self._write_fd):
            try:
                os.close(fd)
            except OSError:
                pass

    def lines(self) -> Iterator[bytes]:
        """Yields lines until the end of stdin. A line over the limit ends them, since what follows cannot be told apart."""
        with os.fdopen(self._read_fd, "rb", buffering=1 << 16, closefd=False) as file:
            while True:
                line = file.readline(MAX_LINE_BYTES + 1)
                if not line:
                    return
                if len(line) > MAX_LINE_BYTES:
                    error = ProtocolError(PARSE_ERROR, "the line is longer than 16 MiB")
                    self.respond(None, error=error)
                    return
                if line.strip():
                    yield line

    def respond(self, request_id: Any, result: Any = None, error: Optional[ProtocolError] = None) -> None:
        """Answers a request."""
        message: Message = {"jsonrpc": "2.0", "id": request_id}
        if error is None:
            try:
                self._send(encode({**message, "result": result}))
                return
            except (TypeError, ValueError, RecursionError) as unfit:
                error = ProtocolError(
                    BAD_RETURN, f"the result cannot be sent as JSON ({type(unfit).__name__})", type=type(unfit).__name__
                )
            except OverflowError:
                error = ProtocolError(BAD_RETURN, "the result is longer than 16 MiB")
        self._send(encode({**message, "error": error.to_wire()}))

    def notify(self, method: str, **params: Any) -> None:
        """Sends a notification."""
        self._send(encode({"jsonrpc": "2.0", "method": method, "params": params}))

    def log(self, level: str, text: str) -> None:
        """Writes to the program's log."""
        self.notify("log", level=level, message=text[:MAX_LOG_CHARS])

    def _send(self, line: bytes) -> None:
        if not self._is_ours:
            raise RuntimeError("a forked process cannot answer for its parent")
        if len(line) > MAX_LINE_BYTES:
            raise OverflowError
        view = memoryview(line)
        with self._lock:
            while view:
                view = view[os.write(self._write_fd, view) :]


def encode(message: Any) -> bytes:
    """Encodes a message as a line. Lone surrogates, which are no Unicode, become question marks."""
    return (_dumps(message) + "\n").encode("utf-8", "replace")


def to_plain(value: Any) -> Any:
    """Turns what JSON does not have into what it has: models, arrays, times, sets."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    for method in ("isoformat", "tolist", "dict"):
        if hasattr(value, method):
            return getattr(value, method)()
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


_dumps: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=to_plain).encode
