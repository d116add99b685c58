"""A client of Weir's HTTP API."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Optional, TypeVar, Union

from .endpoint import Endpoint

if TYPE_CHECKING:
    from urllib.error import HTTPError

R = TypeVar("R")
Json = dict[str, Any]

_UNFINISHED = ("queued", "scheduled", "waiting", "running", "retrying")
_POLL_S = 30.0


class WeirError(Exception):
    """Weir refused a request. `code`, `status` and `path` are those of its problem document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code: str = str(problem.get("code", ""))
        self.path: Optional[str] = problem.get("path")
        detail = problem.get("detail") or problem.get("title") or "no detail given"
        super().__init__(f"{self.path}: {detail}" if self.path else f"{detail} ({status})")


class Unreachable(Exception):
    """No Weir answers at the address."""


class JobFailed(Exception):
    """A job did not succeed: it is dead or was cancelled."""


class Client:
    """Calls a running Weir.

    The address and the key are found as the command line finds them: `WEIR_URL` and `WEIR_KEY`, else the
    configuration file (`WEIR_CONFIG`) and the admin key in its data folder.
    """

    _default: ClassVar[Optional[Client]] = None

    def __init__(
        self,
        url: Optional[str] = None,
        key: Optional[str] = None,
        config: Optional[str] = None,
        timeout: float = 60.0,
    ) -> None:
        self.endpoint = Endpoint.locate(url, key, config)
        self.timeout = timeout
        # Imported here, as processes that only score need no HTTP and shall start fast.
        import urllib.request

        # A proxy of the environment is for the internet, not for this machine.
        handlers = [urllib.request.ProxyHandler({})] if self.endpoint.is_local else []
        self._opener = urllib.request.build_opener(*handlers)

    @classmethod
    def default(cls) -> Client:
        """The client that `delay` uses."""
        if cls._default is None:
            cls._default = cls()
        return cls._default

    def rank(
        self,
        request: Mapping[str, Any],
        *,
        policy: Optional[str] = None,
        explain: bool = False,
        deadline: Optional[float] = None,
    ) -> Json:
        """Ranks a feed: the request and the answer of `POST /v1/rank`. `deadline` is in seconds."""
        query = {"policy": policy, "explain": "true" if explain else None}
        headers = {} if deadline is None else {"X-Deadline-Ms": str(round(deadline * 1000))}
        return self._object("POST", "/rank", request, query, headers)

    def score(
        self,
        data: Sequence[Union[str, Mapping[str, Any]]],
        scorers: Optional[Sequence[str]] = None,
        *,
        all_or_nothing: bool = False,
        deadline: Optional[float] = None,
        session: Optional[Mapping[str, Any]] = None,
    ) -> list[Json]:
        """Scores texts, or items as `POST /v1/score` takes them: one entry for each, in order."""
        items = [
            {"item_id": str(index), "text": item} if isinstance(item, str) else dict(item)
            for index, item in enumerate(data)
        ]
        body: Json = {"data": items, "mode": "all_or_nothing" if all_or_nothing else "partial"}
        if scorers is not None:
            body["scorers"] = list(scorers)
        if deadline is not None:
            body["deadline_ms"] = round(deadline * 1000)
        if session is not None:
            body["session"] = session
        scored: list[Json] = self._object("POST", "/score", body)["data"]
        return scored

    def enqueue(
        self,
        job: str,
        args: Optional[Mapping[str, Any]] = None,
        *,
        countdown: Optional[float] = None,
        eta: Union[datetime, str, None] = None,
        priority: Optional[int] = None,
        unique_key: Optional[str] = None,
        then: Optional[Mapping[str, Any]] = None,
    ) -> JobHandle[Any]:
        """Enqueues a job, by `countdown` seconds later or not before `eta`; `then` is the job that follows, as `POST /v1/jobs` takes it."""
        answer = self._object("POST", "/jobs", describe_job(job, args, countdown, eta, priority, unique_key, then))
        return JobHandle(self, answer["id"])

    def group(self, jobs: Sequence[Mapping[str, Any]]) -> list[JobHandle[Any]]:
        """Enqueues jobs, as `POST /v1/jobs` takes them, that run side by side."""
        answer = self._object("POST", "/jobs", {"group": list(jobs)})
        return [JobHandle(self, entry["id"]) for entry in answer["jobs"]]

    def job(self, job_id: str) -> JobHandle[Any]:
        """Returns the handle of a job."""
        return JobHandle(self, job_id)

    def results(self, key: str) -> Any:
        """Returns a stored result, or `None` if there is none."""
        try:
            return self.request("GET", f"/results/{_quote(key)}")
        except WeirError as error:
            if error.status == 404:
                return None
            raise

    def schedules(self) -> list[Json]:
        """Returns the schedules with their state."""
        schedules: list[Json] = self._object("GET", "/schedules")["schedules"]
        return schedules

    def run_schedule(self, name: str) -> JobHandle[Any]:
        """Runs a schedule's job now."""
        return JobHandle(self, self._object("POST", f"/schedules/{_quote(name)}/run")["id"])

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Optional[Mapping[str, Optional[str]]] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Any:
        """Sends a request to a path under `/v1` and returns the body of the answer."""
        import urllib.error
        import urllib.request

        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = f"{self.endpoint.url}/v1{path}"
        if given:
            url += "?" + urllib.parse.urlencode(given)
        sent = None if body is None else json.dumps(body, allow_nan=False).encode()
        request = urllib.request.Request(url, data=sent, method=method, headers=dict(headers or {}))
        request.add_header("Content-Type", "application/json")
        if self.endpoint.key:
            request.add_unredirected_header("Authorization", f"Bearer {self.endpoint.key}")
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except (urllib.error.URLError, ConnectionError) as error:
            raise Unreachable(f"no weir answers at {self.endpoint.url}: {error}") from None

    def _object(self, *request: Any) -> Json:
        answer: Json = self.request(*request)
        return answer

    def _refusal(self, error: HTTPError) -> WeirError:
        try:
            problem = json.loads(error.read())
        except ValueError:
            problem = {}
        if not isinstance(problem, dict):
            problem = {}
        if error.code in (401, 403) and not self.endpoint.key:
            problem["detail"] = f"{self.endpoint.url} needs a key, and none was found: {self.endpoint.why_no_key}"
        return WeirError(error.code, problem)


class JobHandle(Generic[R]):
    """A job that was enqueued."""

    def __init__(self, client: Client, job_id: str) -> None:
        self.client, self.id = client, job_id

    def __repr__(self) -> str:
        return f"JobHandle({self.id!r})"

    def info(self, wait: float = 0.0) -> Json:
        """Returns all that is known of the job, once it has ended or after `wait` seconds."""
        query = {"wait_ms": str(round(wait * 1000))} if wait > 0 else {}
        return self.client._object("GET", f"/jobs/{_quote(self.id)}", None, query)

    @property
    def state(self) -> str:
        """`queued`, `scheduled`, `waiting`, `running`, `retrying`, `succeeded`, `dead` or `cancelled`."""
        return str(self.info()["state"])

    def ready(self) -> bool:
        """Whether the job has ended."""
        return self.state not in _UNFINISHED

    def successful(self) -> bool:
        """Whether the job has succeeded."""
        return self.state == "succeeded"

    def get(self, timeout: Optional[float] = None) -> R:
        """Waits for the end of the job and returns its result. Raises `JobFailed`, or `TimeoutError` after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _POLL_S if end is None else max(0.0, min(_POLL_S, end - time.monotonic()))
            left = min(left, self.client.timeout / 2)
            info = self.info(wait=left)
            if info["state"] == "succeeded":
                if "result" in info:
                    result: R = info["result"]
                else:
                    result = self.client.request("GET", f"/jobs/{_quote(self.id)}/result")
                return result
            if info["state"] not in _UNFINISHED:
                raise JobFailed(f"job {self.id} is {info['state']}: {info.get('error', 'no reason given')}")
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"job {self.id} is {info['state']} after {timeout} s")

    def cancel(self) -> None:
        """Cancels the job, or asks it to end if it runs."""
        self.client.request("DELETE", f"/jobs/{_quote(self.id)}")

    def retry(self) -> None:
        """Queues a dead job again."""
        self.client.request("POST", f"/jobs/{_quote(self.id)}/retry")


def describe_job(
    job: str,
    args: Optional[Mapping[str, Any]] = None,
    countdown: Optional[float] = None,
    eta: Union[datetime, str, None] = None,
    priority: Optional[int] = None,
    unique_key: Optional[str] = None,
    then: Optional[Mapping[str, Any]] = None,
) -> Json:
    """Returns a job as `POST /v1/jobs`, `group` and `then` take it."""
    described = {
        "job": job,
        "args": dict(args or {}),
        "delay_ms": None if countdown is None else round(countdown * 1000),
        "eta": eta.isoformat() if isinstance(eta, datetime) else eta,
        "priority": priority,
        "unique_key": unique_key,
        "then": then,
    }
    return {name: value for name, value in described.items() if value is not None}


def _quote(part: str) -> str:
    return urllib.parse.quote(part, safe="")
