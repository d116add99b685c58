"""Scorers, jobs and sources, as they are defined."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import (
    Any,
    Callable,
    Generic,
    Optional,
    TypeVar,
    Union,
)

from .arguments import Signature
from .client import Client, JobHandle
from .failures import DefinitionError
from .items import Reads

R = TypeVar("R")
Returned = TypeVar("Returned")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}\Z")
Seconds = Union[int, float]


class Scorer:
    """A scorer: what it is called, gives and reads, and the class or function that computes it."""

    def __init__(
        self,
        target: Callable[..., Any],
        name: str,
        outputs: Sequence[str],
        reads: Sequence[str],
        per: str,
        item_type: Optional[type],
        concurrency: int,
    ) -> None:
        self.target, self.name, self.item_type, self.concurrency = target, name, item_type, concurrency
        if isinstance(outputs, str) or isinstance(reads, str):
            raise DefinitionError(f"scorer {name}: outputs and reads are lists of names")
        self.outputs: tuple[str, ...] = tuple(outputs)
        if not self.outputs or len(set(self.outputs)) != len(self.outputs):
            raise DefinitionError(f"scorer {name}: expected at least one output, each once")
        for output in self.outputs:
            _check_name(output, f"output of scorer {name}")
            if output in ("above", "below"):
                raise DefinitionError(f"scorer {name}: an output cannot be called {output!r}")
        try:
            self.reads = Reads(reads)
        except ValueError as error:
            raise DefinitionError(f"scorer {name}: {error}") from None
        if per not in ("batch", "item"):
            raise DefinitionError(f'scorer {name}: per is "batch" or "item", found {per!r}')
        self.per_item = per == "item"
        if not 1 <= concurrency <= 1000:
            raise DefinitionError(f"scorer {name}: concurrency is 1 to 1000, found {concurrency}")
        if inspect.isclass(target) and not callable(getattr(target, "score", None)):
            raise DefinitionError(f"scorer {name}: the class {target.__name__} has no method score")

    def announce(self) -> dict[str, Any]:
        """Returns the entry of the response to `initialize`."""
        return {"outputs": list(self.outputs), "reads": list(self.reads.names)}


class Job(Generic[Returned, R]):
    """A job. It can be called like the function that it was made of, and enqueued by `delay`.

    A call gives what the function returns, of an `async def` a coroutine; the result of the job is `R`.
    """

    def __init__(
        self,
        function: Callable[..., Returned],
        name: str,
        retries: Optional[int],
        retry_for: tuple[type[BaseException], ...],
        time_limit: Optional[Seconds],
        result_key: Optional[str],
        result_ttl: Optional[Seconds],
    ) -> None:
        self.function, self.name, self.retry_for = function, name, retry_for
        self.arguments = Signature(function)
        self._announced = {
            "schema": self.arguments.schema,
            "retries": retries,
            "time_limit_ms": None if time_limit is None else round(time_limit * 1000),
            "result_key": result_key,
            "result_ttl_ms": None if result_ttl is None else round(result_ttl * 1000),
        }
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Returned:
        return self.function(*args, **kwargs)

    def announce(self) -> dict[str, Any]:
        """Returns the entry of the response to `initialize`."""
        return {name: value for name, value in self._announced.items() if value is not None}

    @property
    def full_name(self) -> str:
        """The name by which Weir knows the job, `PROGRAM.JOB`."""
        return f"{program_name(self.function)}.{self.name}"

    def delay(self, *args: Any, **kwargs: Any) -> JobHandle[R]:
        """Enqueues the job with these arguments."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: Sequence[Any] = (), kwargs: Optional[Mapping[str, Any]] = None, **options: Any
    ) -> JobHandle[R]:
        """Enqueues the job; `options` are those of `Client.enqueue`."""
        sent = self.arguments.write(args, kwargs or {})
        return Client.default().enqueue(self.full_name, sent, **options)


class Source:
    """A source of posts: a function that yields them and returns where to go on."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        if inspect.isasyncgenfunction(function):
            raise DefinitionError(
                f"source {name}: an async generator cannot return a cursor; return weir.Page(posts, cursor)"
            )
        self.function, self.name = function, name
        self.arguments = Signature(function, given=("cursor", "limit"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def announce(self) -> dict[str, Any]:
        """Returns the entry of the response to `initialize`."""
        return {"schema": self.arguments.schema}


class More:
    """Returned by a source in place of the cursor: there is more to be had at once, from `cursor` on."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor


@dataclass
class Page:
    """Returned by a source that does not yield: posts, and where to go on."""

    posts: Sequence[Any]
    cursor: Any = None
    more: bool = False


class Definitions:
    """All scorers, jobs and sources of a program, by name."""

    def __init__(self) -> None:
        self.scorers: dict[str, Scorer] = {}
        self.jobs: dict[str, Job[Any, Any]] = {}
        self.sources: dict[str, Source] = {}
        self.by_target: dict[int, Scorer] = {}
        self.version: Optional[str] = None

    def add(self, kind: str, table: dict[str, Any], definition: Any) -> None:
        """Adds a definition under its name. The same place in the code may define it again, as a reloaded module does."""
        _check_name(definition.name, kind)
        before = table.get(definition.name)
        if before is not None and _place(before) != _place(definition):
            raise DefinitionError(f"there are two {kind}s called {definition.name!r}: give one another name=")
        table[definition.name] = definition


definitions = Definitions()
"""Those of this process: the decorators enter them as modules are imported."""


def _place(definition: Any) -> tuple[str, str]:
    target = getattr(definition, "target", None) or definition.function
    return target.__module__, target.__qualname__


def _check_name(name: str, kind: str) -> None:
    if not isinstance(name, str) or not _NAME.match(name):
        raise DefinitionError(
            f"{name!r} is no name of a {kind}: letters, digits, _ and -, a letter or _ first, at most 100"
        )


def program_name(function: Callable[..., Any]) -> str:
    """The name of the program that has `function`: that of the process, or else that of the function's file."""
    name = os.environ.get("WEIR_PROGRAM")
    if name:
        return name
    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None)
    if function.__module__ == "__main__" and file:
        return os.path.splitext(os.path.basename(str(file)))[0]
    return function.__module__.rpartition(".")[2]
