"""Runs scorers, jobs and sources in a test, without a server: as a process of Weir would, with what is sent cut down to what they read.

def test_length():
    assert weir.testing.score(mine.length, ["abc", ""]) == {"score": [3, 0]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional, Union

from .channel import encode
from .columns import Columns
from .context import JobRun, Running, enter, leave
from .definitions import Job, Page, Scorer, Source, definitions
from .failures import DefinitionError
from .items import Item, Items, Session
from .jobs import fetch as fetch_page
from .jobs import run_job as run
from .scoring import EventLoop, LoadedScorer

_loop = EventLoop()
_loaded: dict[int, LoadedScorer] = {}


class Scores(dict[str, Any]):
    """Columns by output, and `errors`: reasons why items could not be scored, by index."""

    def __init__(self, columns: Columns, errors: Mapping[str, str]) -> None:
        super().__init__(columns)
        self.errors = {int(index): why for index, why in errors.items()}


def score(
    scorer: Callable[..., Any],
    items: Sequence[Union[str, Mapping[str, Any], Item]],
    *,
    session: Optional[Mapping[str, Any]] = None,
    survey: Optional[Mapping[str, Any]] = None,
    outputs: Optional[Sequence[str]] = None,
    device: Optional[str] = None,
) -> Scores:
    """Scores texts or items. The model is loaded once and kept; errors of the scorer are raised."""
    definition = _definition_of(scorer)
    loaded = _loaded.get(id(definition))
    if loaded is None:
        loaded = LoadedScorer(definition, device, _loop, "/", lambda level, text: None)
        _loaded[id(definition)] = loaded
    reads = definition.reads
    entries = [{"item": _cut(_plain(item), reads.item), "s": 0} for item in items]
    sent_session = _cut(session or {}, reads.session)
    sent_survey = dict(survey or {}) if "" in reads.survey else _cut(survey or {}, reads.survey)
    sessions = [{"session": sent_session, "survey": sent_survey}] if reads.has_sessions else []
    sent = json.loads(encode([entries, sessions]))
    batch = Items(sent[0], sent[1], reads, definition.item_type)
    running = Running()
    enter(running, is_alone=True)
    try:
        columns, errors = loaded.score(batch, list(outputs or definition.outputs), running)
    finally:
        leave()
    return Scores(columns, errors)


def run_job(job: Job[Any, Any], *, attempt: int = 1, **args: Any) -> Any:
    """Runs a job with arguments that are checked as those of a request, and returns its result as JSON keeps it."""
    running = Running(job=JobRun("test", 1, attempt))
    enter(running, is_alone=True)
    try:
        result = run(job, json.loads(encode(args)), running, _loop)
    finally:
        leave()
    return json.loads(encode(result))


def fetch(source: Source, *, cursor: Any = None, limit: int = 100, **args: Any) -> Page:
    """Reads one page of a source."""
    running = Running()
    enter(running, is_alone=True)
    try:
        page = fetch_page(source, json.loads(encode(args)), cursor, limit, running, _loop)
    finally:
        leave()
    read = json.loads(encode(page))
    return Page(read["posts"], read["cursor"], read["more"])


def _definition_of(scorer: Callable[..., Any]) -> Scorer:
    definition = definitions.by_target.get(id(scorer))
    if definition is None:
        raise DefinitionError(f"{getattr(scorer, '__name__', scorer)!r} is no scorer: decorate it with @weir.scorer")
    return definition


def _plain(item: Union[str, Mapping[str, Any], Item]) -> Mapping[str, Any]:
    if isinstance(item, str):
        return {"text": item}
    if isinstance(item, Item):
        fields = {name: value for name, value in vars(item).items() if name != "raw" and value is not None}
        return {**item.raw, **{name: value for name, value in fields.items() if not isinstance(value, Session)}}
    return item


def _cut(values: Mapping[str, Any], reads: list[str]) -> dict[str, Any]:
    return {name: values[name] for name in reads if values.get(name) is not None}
