"""Running scorers."""

from __future__ import annotations

import inspect
import threading
import traceback
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional

from .columns import Columns, to_columns
from .context import Running
from .definitions import Scorer
from .failures import describe
from .items import Items, Missing

if TYPE_CHECKING:
    import asyncio

Log = Callable[[str, str], None]

# The usual rows, for which `inspect.isawaitable` would cost as much as the whole call of a small function.
_NEVER_AWAITABLE = frozenset((float, int, bool, str, tuple, list, dict, type(None)))


class EventLoop:
    """An asyncio loop on a thread of its own, started when it is first needed, so that plain functions may use `asyncio.run`."""

    def __init__(self) -> None:
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._lock = threading.Lock()

    def run(self, awaitable: Awaitable[Any], running: Optional[Running] = None) -> Any:
        """Waits for an awaitable; a cancelled request ends the wait."""
        # Imported here, as most programs need none and shall start fast.
        import asyncio

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="weir-asyncio", daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(_wait(awaitable), self._loop)
        if running is None:
            return future.result()
        running.on_cancel.append(future.cancel)
        if running.cancelled.is_set():
            future.cancel()
        return future.result()


async def _wait(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


class LoadedScorer:
    """A scorer whose model is loaded."""

    def __init__(self, definition: Scorer, device: Optional[str], loop: EventLoop, folder: str, log: Log) -> None:
        self.definition, self._loop, self._folder, self._log = definition, loop, folder, log
        # A program has one concurrency, its scorers may have less.
        self._permits = threading.BoundedSemaphore(definition.concurrency)
        self._call = self._load(device)

    def _load(self, device: Optional[str]) -> Callable[[Any], Any]:
        target = self.definition.target
        if not inspect.isclass(target):
            return target
        instance: Any = target()
        setup = getattr(instance, "setup", None)
        if setup is not None:
            ready = setup(device) if _takes_argument(setup) else setup()
            if inspect.isawaitable(ready):
                self._loop.run(ready)
        call: Callable[[Any], Any] = instance.score
        return call

    def score(self, items: Items, wanted: Sequence[str], running: Running) -> tuple[Columns, dict[str, str]]:
        """Returns the wanted columns and the reasons of missing items."""
        with self._permits:
            result = self._each(items, running) if self.definition.per_item else self._whole(items, running)
        return to_columns(result, self.definition.outputs, wanted, len(items))

    def _whole(self, items: Items, running: Running) -> Any:
        result = self._call(items)
        return self._loop.run(result, running) if inspect.isawaitable(result) else result

    def _each(self, items: Items, running: Running) -> list[Any]:
        """Calls the function for each item, and answers what it can: an item that fails leaves the others."""
        rows: list[Any] = []
        failures: list[tuple[int, Exception]] = []
        for index, item in enumerate(items):
            try:
                rows.append(self._call(item))
            except Exception as error:
                failures.append((index, error))
                rows.append(error)
        waiting = {
            index: row for index, row in enumerate(rows) if type(row) not in _NEVER_AWAITABLE and inspect.isawaitable(row)
        }
        if waiting:
            for index, row in zip(waiting, self._loop.run(_gather(list(waiting.values())), running)):
                rows[index] = row
                if isinstance(row, Exception):
                    failures.append((index, row))
        if failures and len(failures) == len(rows):
            raise failures[0][1]
        for index, failure in failures:
            rows[index] = Missing(describe(failure, self._folder)[0])
        if failures:
            # One traceback is enough: a batch may have a thousand equal ones.
            first = failures[0][1]
            text = "".join(traceback.format_exception(type(first), first, first.__traceback__))
            self._log(
                "error", f"{len(failures)} of {len(rows)} items failed in {self.definition.name}; the first:\n{text}"
            )
        return rows


async def _gather(rows: Sequence[Awaitable[Any]]) -> list[Any]:
    import asyncio

    return await asyncio.gather(*rows, return_exceptions=True)


def _takes_argument(setup: Callable[..., Any]) -> bool:
    try:
        return bool(inspect.signature(setup).parameters)
    except (TypeError, ValueError):
        return True
