"""Running jobs and sources."""

from __future__ import annotations

import inspect
from typing import Any

from .channel import to_plain
from .context import Running
from .definitions import Job, More, Page, Source
from .failures import BadReturn
from .scoring import EventLoop


def run_job(job: Job[Any, Any], args: Any, running: Running, loop: EventLoop) -> Any:
    """Runs a job with arguments as they were sent."""
    result = job.function(**job.arguments.read(args))
    return loop.run(result, running) if inspect.isawaitable(result) else result


def fetch(source: Source, args: Any, cursor: Any, limit: int, running: Running, loop: EventLoop) -> dict[str, Any]:
    """Reads one page of a source."""
    given = {"cursor": cursor, "limit": limit}
    filled = {name: given[name] for name in source.arguments.given}
    result = source.function(**source.arguments.read(args), **filled)
    if inspect.isawaitable(result):
        result = loop.run(result, running)
    page = _page(result)
    return {"posts": [_post(post) for post in page.posts], "cursor": page.cursor, "more": page.more}


def _page(result: Any) -> Page:
    if isinstance(result, Page):
        return result
    if not inspect.isgenerator(result):
        if isinstance(result, (list, tuple)):
            return Page(list(result))
        raise BadReturn(f"expected posts that are yielded, or weir.Page, found {type(result).__name__}")
    posts: list[Any] = []
    while True:
        try:
            posts.append(next(result))
        except StopIteration as end:
            if isinstance(end.value, More):
                return Page(posts, end.value.cursor, True)
            return Page(posts, end.value)


def _post(post: Any) -> Any:
    plain = post if isinstance(post, dict) else to_plain(post)
    if not isinstance(plain, dict):
        raise BadReturn(f"expected a post to be a mapping, found {type(post).__name__}")
    return plain
