"""The decorators."""

from __future__ import annotations

import inspect
import re
from collections.abc import Coroutine, Sequence
from typing import (
    Any,
    Callable,
    Optional,
    Protocol,
    TypeVar,
    overload,
)

from .definitions import Job, Scorer, Seconds, Source, definitions
from .failures import DefinitionError

C = TypeVar("C", bound=Callable[..., Any])
R = TypeVar("R")


@overload
def scorer(target: C) -> C: ...
@overload
def scorer(
    *,
    name: Optional[str] = None,
    outputs: Sequence[str] = ("score",),
    reads: Sequence[str] = ("text", "title"),
    per: str = "batch",
    item_type: Optional[type] = None,
    concurrency: int = 1,
) -> Callable[[C], C]: ...
def scorer(
    target: Optional[Callable[..., Any]] = None,
    *,
    name: Optional[str] = None,
    outputs: Sequence[str] = ("score",),
    reads: Sequence[str] = ("text", "title"),
    per: str = "batch",
    item_type: Optional[type] = None,
    concurrency: int = 1,
) -> Any:
    """Makes a scorer of a function of the batch (`per="item"`: of one item), or of a class with `score` and perhaps `setup(device)`.

    The function or class itself is returned as it was.
    """

    def define(target: C) -> C:
        definition = Scorer(target, name or _default_name(target), outputs, reads, per, item_type, concurrency)
        definitions.add("scorer", definitions.scorers, definition)
        definitions.by_target[id(target)] = definition
        return target

    return define if target is None else define(target)


class _JobDecorator(Protocol):
    @overload
    def __call__(self, function: Callable[..., Coroutine[Any, Any, R]]) -> Job[Coroutine[Any, Any, R], R]: ...
    @overload
    def __call__(self, function: Callable[..., R]) -> Job[R, R]: ...


@overload
def job(function: Callable[..., Coroutine[Any, Any, R]]) -> Job[Coroutine[Any, Any, R], R]: ...
@overload
def job(function: Callable[..., R]) -> Job[R, R]: ...
@overload
def job(
    *,
    name: Optional[str] = None,
    retries: Optional[int] = None,
    retry_for: tuple[type[BaseException], ...] = (Exception,),
    time_limit: Optional[Seconds] = None,
    result_key: Optional[str] = None,
    result_ttl: Optional[Seconds] = None,
) -> _JobDecorator: ...
def job(
    function: Optional[Callable[..., Any]] = None,
    *,
    name: Optional[str] = None,
    retries: Optional[int] = None,
    retry_for: tuple[type[BaseException], ...] = (Exception,),
    time_limit: Optional[Seconds] = None,
    result_key: Optional[str] = None,
    result_ttl: Optional[Seconds] = None,
) -> Any:
    """Makes a job of a function. Times are in seconds.

    `retries` further attempts are made if the function raises one of `retry_for`. The result is stored under
    `result_key` as well, for `result_ttl`.
    """

    def define(function: Callable[..., Any]) -> Job[Any, Any]:
        definition: Job[Any, Any] = Job(
            function, name or _default_name(function), retries, tuple(retry_for), time_limit, result_key, result_ttl
        )
        definitions.add("job", definitions.jobs, definition)
        return definition

    return define if function is None else define(function)


@overload
def source(function: Callable[..., Any]) -> Source: ...
@overload
def source(*, name: Optional[str] = None) -> Callable[[Callable[..., Any]], Source]: ...
def source(function: Optional[Callable[..., Any]] = None, *, name: Optional[str] = None) -> Any:
    """Makes a source of a function that yields posts and returns the next cursor, or `More(cursor)`.

    Its parameters `cursor` and `limit`, if it has them, are filled in by Weir; the others are the scraper's `args`.
    """

    def define(function: Callable[..., Any]) -> Source:
        definition = Source(function, name or _default_name(function))
        definitions.add("source", definitions.sources, definition)
        return definition

    return define if function is None else define(function)


def _default_name(target: Callable[..., Any]) -> str:
    name = str(getattr(target, "__name__", ""))
    return _lower(name) if inspect.isclass(target) else name


def _lower(name: str) -> str:
    """`ToxicSpans` as `toxic_spans`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def set_version(version: str) -> None:
    """Sets the version of the program, which is part of the cache key of its scores.

    Without it that is a hash of the main file and the modules beside it.
    """
    if not 1 <= len(version) <= 200:
        raise DefinitionError("the version has 1 to 200 characters")
    definitions.version = version
