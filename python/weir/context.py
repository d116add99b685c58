"""Progress, cancellation and identity of the running request."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Callable, Optional

_PROGRESS_PERIOD_S = 0.1


@dataclass
class Running:
    """A request that is being answered."""

    send: Callable[[int, int], None] = lambda done, total: None
    cancelled: threading.Event = field(default_factory=threading.Event)
    on_cancel: list[Callable[[], object]] = field(default_factory=list)
    job: Optional[JobRun] = None
    deadline: Optional[float] = None
    _reported_at: float = 0.0
    _unsent: Optional[tuple[int, int]] = None

    def cancel(self) -> None:
        """Marks the request as cancelled and ends what it waits for."""
        self.cancelled.set()
        for stop in list(self.on_cancel):
            stop()

    def report(self, done: int, total: int) -> None:
        """Sends the progress, or keeps it for `flush` if one was sent a moment ago: a tight loop must not be a flood."""
        self._unsent = (done, total)
        if time.monotonic() - self._reported_at >= _PROGRESS_PERIOD_S:
            self.flush()

    def flush(self) -> None:
        """Sends the progress that was kept."""
        if self._unsent is not None:
            (done, total), self._unsent = self._unsent, None
            self._reported_at = time.monotonic()
            self.send(done, total)


@dataclass(frozen=True)
class JobRun:
    """One run of a job."""

    job_id: str
    token: int
    """Fencing token: greater than that of every run before. Hand it to whatever the job writes to."""
    attempt: int
    """1 for the first run."""


running: ContextVar[Optional[Running]] = ContextVar("weir_running", default=None)
_alone: Optional[Running] = None


def enter(request: Running, is_alone: bool) -> None:
    """Makes a request the one that runs in this context; if it is alone in the process, also for threads that user code starts."""
    global _alone
    running.set(request)
    _alone = request if is_alone else None


def leave() -> None:
    """Ends what `enter` began."""
    global _alone
    running.set(None)
    _alone = None


def _now() -> Optional[Running]:
    return running.get() or _alone


def progress(done: int, total: int) -> None:
    """Tells how far the job is: `done` of `total` steps. Weir shows it with the job."""
    now = _now()
    if now is not None:
        now.report(int(done), int(total))


def cancelled() -> bool:
    """Whether the job should end, since it was cancelled or is past its time limit; for a scorer, whether nobody waits any longer."""
    now = _now()
    if now is None:
        return False
    return now.cancelled.is_set() or (now.deadline is not None and time.monotonic() > now.deadline)


def current_job() -> JobRun:
    """The run of the job that calls this; outside of one, that of a first attempt without an id."""
    now = _now()
    if now is None or now.job is None:
        return JobRun(job_id="", token=0, attempt=1)
    return now.job
