"""A process of a program: reads requests, runs scorers, jobs and sources, and answers."""

from __future__ import annotations

import gc
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any, Callable, Optional

from . import failures
from .channel import Channel
from .context import JobRun, Running, enter, leave
from .definitions import definitions
from .failures import ArgumentError, BadReturn, Cancelled, ProtocolError, Retry, describe
from .items import Items
from .jobs import fetch, run_job
from .loading import Program
from .scoring import EventLoop, LoadedScorer

PROTOCOL = "weir-program/1"
_END_GRACE_S = 0.5

_active: Optional[Process] = None


class Process:
    """Answers one Weir, from `initialize` to the end of stdin."""

    def __init__(self, channel: Channel, program: Program) -> None:
        self._channel, self._program = channel, program
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._running: dict[Any, Running] = {}
        self._scorers: dict[str, LoadedScorer] = {}
        self._loading = threading.Lock()
        self._loop = EventLoop()
        self._pool: Optional[ThreadPoolExecutor] = None
        self._device: Optional[str] = None
        self._is_ready = False
        self._methods: dict[str, Callable[[Mapping[str, Any], Running], Any]] = {
            "score": self._score,
            "run_job": self._run_job,
            "fetch": self._fetch,
        }

    def serve(self) -> int:
        """Answers requests until stdin ends. Returns the exit status."""
        threading.Thread(target=self._read, name="weir-reader", daemon=True).start()
        while True:
            message = self._inbox.get()
            if message is None:
                return 0
            if message.get("method") == "initialize":
                if not self._initialize(message):
                    return 1
            elif self._pool is not None:
                self._pool.submit(self._answer, message)
            else:
                self._answer(message)

    def _read(self) -> None:
        """Reads on while user code runs, so that a cancellation and the end of stdin are noticed."""
        for line in self._channel.lines():
            self._receive(line)
        self._inbox.put(None)
        time.sleep(_END_GRACE_S)
        # User code is still at it, or threads of its own keep the interpreter.
        os._exit(0)

    def _receive(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._channel.respond(None, error=ProtocolError(failures.PARSE_ERROR, "the line is no JSON"))
            return
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            error = ProtocolError(failures.INVALID_REQUEST, "the message is no request")
            self._channel.respond(_id_of(message), error=error)
            return
        if "id" not in message:
            params = message.get("params")
            if message["method"] == "cancel" and isinstance(params, dict):
                running = self._running.get(_id_of(params))
                if running is not None:
                    running.cancel()
            return
        request_id = _id_of(message)
        if request_id is None or request_id in self._running:
            error = ProtocolError(failures.INVALID_REQUEST, "the id is no text or number of its own")
            self._channel.respond(request_id, error=error)
            return
        self._running[request_id] = Running()
        self._inbox.put(message)

    def _initialize(self, message: Mapping[str, Any]) -> bool:
        """Answers `initialize`. Returns false if the process must end."""
        request_id = message["id"]
        self._running.pop(request_id, None)
        try:
            result = self._start(_params(message))
        except ProtocolError as error:
            self._channel.respond(request_id, error=error)
            return self._is_ready or error.code == failures.INVALID_PARAMS
        self._is_ready = True
        # Models stay: collections of garbage need not look at them again.
        gc.freeze()
        self._channel.respond(request_id, result)
        return True

    def _start(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if self._is_ready:
            raise ProtocolError(failures.INVALID_REQUEST, "this process is initialized")
        if params.get("protocol") != PROTOCOL:
            raise ProtocolError(
                failures.UNSUPPORTED_PROTOCOL, f"this program speaks {PROTOCOL} only", supported=[PROTOCOL]
            )
        role, functions, device = params.get("role"), params.get("functions", []), params.get("device")
        is_list = isinstance(functions, list) and all(isinstance(name, str) for name in functions)
        if role not in ("scorer", "job") or not is_list:
            raise ProtocolError(failures.INVALID_PARAMS, "expected role scorer or job, and a list of functions")
        self._device = device if isinstance(device, str) else os.environ.get("WEIR_DEVICE") or None
        try:
            self._program.load()
            for name in functions:
                self._scorer(name)
        except ProtocolError:
            raise
        except (Exception, SystemExit) as error:
            self._log_traceback(error)
            where, data = describe(error, self._program.folder)
            text = str(error).strip()
            raise ProtocolError(failures.LOADING_FAILED, f"{where}: {text}" if text else where, **data) from None
        concurrency = self._concurrency(role, functions)
        if concurrency > 1:
            self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="weir-score")
        return {
            "protocol": PROTOCOL,
            "name": self._program.name,
            "version": self._program.version,
            "concurrency": concurrency,
            "scorers": {name: scorer.announce() for name, scorer in definitions.scorers.items()},
            "jobs": {name: job.announce() for name, job in definitions.jobs.items()},
            "sources": {name: source.announce() for name, source in definitions.sources.items()},
        }

    def _concurrency(self, role: str, functions: Any) -> int:
        if role == "job":
            return 1
        return max([definitions.scorers[name].concurrency for name in functions], default=1)

    def _answer(self, message: Mapping[str, Any]) -> None:
        request_id = message["id"]
        running = self._running[request_id]
        enter(running, is_alone=self._pool is None)
        try:
            result, error = self._execute(message, running), None
        except ProtocolError as failure:
            result, error = None, failure
        leave()
        self._running.pop(request_id, None)
        try:
            self._channel.respond(request_id, result, error)
        except OSError:
            os._exit(0)  # Weir is gone.

    def _execute(self, message: Mapping[str, Any], running: Running) -> Any:
        method = self._methods.get(message["method"])
        if method is None:
            raise ProtocolError(failures.METHOD_NOT_FOUND, "there is no such method")
        if not self._is_ready:
            raise ProtocolError(failures.INVALID_REQUEST, "expected initialize first")
        function = ""
        try:
            params = _params(message)
            function = next((str(params[key]) for key in ("function", "job", "source") if key in params), "")
            return method(params, running)
        except ProtocolError:
            raise
        except ArgumentError as error:
            raise ProtocolError(failures.INVALID_PARAMS, str(error), path=error.path) from None
        except (Cancelled, CancelledError):
            raise ProtocolError(failures.CANCELLED, "cancelled") from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self._failure(error, function) from None

    def _failure(self, error: BaseException, function: str) -> ProtocolError:
        self._log_traceback(error)
        message, data = describe(error, self._program.folder, function)
        if isinstance(error, BadReturn):
            return ProtocolError(failures.BAD_RETURN, f"{function} returned what does not fit: {error}", **data)
        job = definitions.jobs.get(function)
        if isinstance(error, Retry):
            data["retry_after_ms"] = None if error.after is None else max(0, round(error.after * 1000))
        elif job is not None and not isinstance(error, job.retry_for):
            data["retry"] = False
        return ProtocolError(failures.FUNCTION_FAILED, message, **data)

    def _log_traceback(self, error: BaseException) -> None:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self._channel.log("error", text)

    def _scorer(self, name: Any) -> LoadedScorer:
        with self._loading:
            scorer = self._scorers.get(name) if isinstance(name, str) else None
            if scorer is None:
                definition = _known(definitions.scorers, name, "scorer")
                scorer = LoadedScorer(definition, self._device, self._loop, self._program.folder, self._channel.log)
                self._scorers[name] = scorer
            return scorer

    def _score(self, params: Mapping[str, Any], running: Running) -> Any:
        scorer = self._scorer(params.get("function"))
        definition = scorer.definition
        wanted = params.get("outputs", list(definition.outputs))
        if not isinstance(wanted, list) or not all(name in definition.outputs for name in wanted):
            raise ProtocolError(
                failures.INVALID_PARAMS, f"the outputs of {definition.name} are {', '.join(definition.outputs)}"
            )
        entries: Any = params.get("items")
        sessions: Any = params.get("sessions", [])
        if not _is_batch(entries, sessions if definition.reads.has_sessions else []):
            raise ProtocolError(failures.INVALID_PARAMS, "expected items, and the index of a session with each")
        budget = params.get("budget_ms")
        if isinstance(budget, (int, float)):
            running.deadline = time.monotonic() + budget / 1000
        used = sessions if definition.reads.has_sessions else ()
        items = Items(entries, used, definition.reads, definition.item_type)
        columns, errors = scorer.score(items, wanted, running)
        return {"columns": columns, "errors": errors} if errors else {"columns": columns}

    def _run_job(self, params: Mapping[str, Any], running: Running) -> Any:
        job = _known(definitions.jobs, params.get("job"), "job")
        running.job = JobRun(
            str(params.get("job_id", "")), _whole(params.get("token"), 0), _whole(params.get("attempt"), 1)
        )
        request_id = next(key for key, value in self._running.items() if value is running)
        running.send = lambda done, total: self._channel.notify("progress", id=request_id, done=done, total=total)
        try:
            return run_job(job, params.get("args"), running, self._loop)
        finally:
            running.flush()

    def _fetch(self, params: Mapping[str, Any], running: Running) -> Any:
        source = _known(definitions.sources, params.get("source"), "source")
        limit = _whole(params.get("limit"), 100)
        return fetch(source, params.get("args"), params.get("cursor"), limit, running, self._loop)


def _id_of(message: Any) -> Any:
    found = message.get("id") if isinstance(message, dict) else None
    return found if isinstance(found, (str, int)) and not isinstance(found, bool) else None


def _params(message: Mapping[str, Any]) -> Mapping[str, Any]:
    params = message.get("params", {})
    if not isinstance(params, dict):
        raise ProtocolError(failures.INVALID_PARAMS, "expected params to be an object")
    return params


def _known(table: Mapping[str, Any], name: Any, kind: str) -> Any:
    if isinstance(name, str) and name in table:
        return table[name]
    known = sorted(table)
    message = f"there is no {kind} {name!r}; this program has {', '.join(known) or 'none'}"
    raise ProtocolError(failures.UNKNOWN_FUNCTION, message, function=str(name)[:100], known=known)


def _is_batch(entries: Any, sessions: Any) -> bool:
    if not isinstance(entries, list) or not isinstance(sessions, list):
        return False
    if not all(isinstance(session, dict) for session in sessions):
        return False
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("item"), dict):
            return False
        if sessions and not 0 <= _whole(entry.get("s"), -1) < len(sessions):
            return False
    return True


def _whole(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def start(program: Program) -> int:
    """Takes over the standard descriptors and answers until the end of stdin."""
    global _active
    process = _active = Process(Channel.take_over_stdio(), program)
    return process.serve()


def run() -> None:
    """Serves the file that calls this, at its end: `if __name__ == "__main__": weir.run()`.

    The file can then be started as it is (`argv = ["python3", "mine.py"]`). What it prints before goes to the protocol's
    pipe: `python = "mine.py"` does not have that trap, and ignores this call.
    """
    if _active is not None:
        return
    sys.exit(start(Program.from_main()))
