"""Items, their batch, and the mark for a missing score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    ClassVar,
    Optional,
    TypeVar,
    Union,
    overload,
)

T = TypeVar("T", bound="_Sent")


def _absent() -> Any:
    # A default factory leaves no attribute on the class, so that a field that was not sent is noticed.
    return None


@dataclass(frozen=True, eq=False, repr=False)
class _Sent:
    """An object of the wire, whose fields are those that the scorer reads."""

    raw: Mapping[str, Any] = field(default_factory=dict)
    """The object as it was sent."""

    @classmethod
    def _from_wire(cls: type[T], raw: Mapping[str, Any], reads: Sequence[str], **more: Any) -> T:
        sent = object.__new__(cls)
        fields = sent.__dict__
        for name in reads:
            value = raw.get(name)
            fields[name] = parse_time(value) if name in cls._times and isinstance(value, str) else value
        fields.update(more, raw=raw)
        return sent

    _times: ClassVar[Sequence[str]] = ()
    """Fields that are times."""

    def __repr__(self) -> str:
        # Tracebacks and logs show this, so it holds nothing of a post.
        return f"{type(self).__name__}({', '.join(sorted(self.__dict__))})"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in type(self).__dataclass_fields__:
                read = "session." + name if isinstance(self, Session) else name
                read = "session.FIELD" if read == "session" else read
                raise AttributeError(f"{read} was not sent: add {read!r} to the scorer's reads")
            raise AttributeError(f"{type(self).__name__} has no field {name!r}")


@dataclass(frozen=True, eq=False, repr=False)
class Session(_Sent):
    """The browsing session in which an item is seen, with the fields that the scorer reads."""

    session_id: str = field(default_factory=_absent)
    user_id: str = field(default_factory=_absent)
    user_name_hash: str = field(default_factory=_absent)
    cohort: Optional[str] = field(default_factory=_absent)
    cohort_index: Optional[int] = field(default_factory=_absent)
    platform: str = field(default_factory=_absent)
    url: str = field(default_factory=_absent)
    current_time: datetime = field(default_factory=_absent)
    prefetch: Optional[bool] = field(default_factory=_absent)

    _times: ClassVar[Sequence[str]] = ("current_time",)


@dataclass(frozen=True, eq=False, repr=False)
class Item(_Sent):
    """A post or comment, with the fields that the scorer reads; their names are the challenge's."""

    id: str = field(default_factory=_absent)
    text: str = field(default_factory=_absent)
    title: Optional[str] = field(default_factory=_absent)
    post_id: Optional[str] = field(default_factory=_absent)
    parent_id: Optional[str] = field(default_factory=_absent)
    original_rank: Optional[int] = field(default_factory=_absent)
    author_name_hash: str = field(default_factory=_absent)
    type: str = field(default_factory=_absent)
    embedded_urls: list[str] = field(default_factory=_absent)
    created_at: datetime = field(default_factory=_absent)
    engagements: Mapping[str, int] = field(default_factory=_absent)
    language: Optional[str] = field(default_factory=_absent)
    session: Session = field(default_factory=_absent)
    survey: Mapping[str, Any] = field(default_factory=_absent)

    _times: ClassVar[Sequence[str]] = ("created_at",)


ITEM_FIELDS = tuple(name for name in Item.__dataclass_fields__ if name not in ("raw", "session", "survey"))
SESSION_FIELDS = tuple(name for name in Session.__dataclass_fields__ if name != "raw")


def parse_time(text: str) -> datetime:
    """Parses an ISO 8601 time; one without a zone is in UTC."""
    zoned = text[:-1] + "+00:00" if text[-1:] in ("Z", "z") else text
    head, dot, rest = zoned.partition(".")
    if dot:
        # Python before 3.11 reads three or six digits only.
        digits = len(rest) - len(rest.lstrip("0123456789"))
        zoned = f"{head}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"
    time = datetime.fromisoformat(zoned)
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


class Reads:
    """The fields that a scorer reads, split by the object that they are in."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        self.item: list[str] = []
        self.session: list[str] = []
        self.survey: list[str] = []
        for name in self.names:
            part, _, of = name.partition(".")
            if name in ITEM_FIELDS:
                self.item.append(name)
            elif part == "session" and of in SESSION_FIELDS:
                self.session.append(of)
            elif name == "survey" or (part == "survey" and of):
                self.survey.append(of)
            else:
                known = ", ".join(ITEM_FIELDS)
                raise ValueError(
                    f"cannot read {name!r}: expected one of {known}, session.FIELD, survey or survey.FIELD"
                )

    @property
    def has_sessions(self) -> bool:
        """Whether a batch comes with sessions."""
        return bool(self.session or self.survey)


class Items(Sequence[Any]):
    """A batch: a sequence of items (of `item_type` where the scorer has one), with columns.

    `items.text`, `items.title` and so on are lists with one entry for each item; an absent text is "".
    """

    def __init__(
        self,
        entries: Sequence[Mapping[str, Any]],
        sessions: Sequence[Mapping[str, Any]] = (),
        reads: Union[Reads, Sequence[str]] = ITEM_FIELDS,
        item_type: Optional[type] = None,
    ) -> None:
        self._entries = entries
        self._sessions = sessions
        self._reads = reads if isinstance(reads, Reads) else Reads(reads)
        self._make = _maker(item_type)
        self._made: Optional[list[Any]] = None

    @property
    def raw(self) -> list[Mapping[str, Any]]:
        """The items as they were sent."""
        return [entry["item"] for entry in self._entries]

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: Union[int, slice]) -> Any:
        return self._all()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all())

    def __repr__(self) -> str:
        return f"Items({len(self)})"

    def __getattr__(self, name: str) -> list[Any]:
        if name.startswith("_") or not (name in ITEM_FIELDS or name in ("session", "survey")):
            raise AttributeError(f"Items has no column {name!r}")
        if name == "text" and "text" in self._reads.item:
            return [entry["item"].get("text") or "" for entry in self._entries]
        return [getattr(item, name) for item in self._plain()]

    def _all(self) -> list[Any]:
        if self._made is None:
            self._made = self._plain() if self._make is None else [self._make(i) for i in self.raw]
        return self._made

    def _plain(self) -> list[Item]:
        if self._make is None and self._made is not None:
            return self._made
        reads = self._reads
        parts = [self._session_parts(session) for session in self._sessions]
        items = []
        for entry in self._entries:
            more = parts[entry["s"]] if parts else {}
            items.append(Item._from_wire(entry["item"], reads.item, **more))
        for item in items:
            if "text" in reads.item and item.text is None:
                item.__dict__["text"] = ""
        return items

    def _session_parts(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        parts: dict[str, Any] = {}
        if self._reads.session:
            parts["session"] = Session._from_wire(sent.get("session") or {}, self._reads.session)
        if self._reads.survey:
            parts["survey"] = sent.get("survey") or {}
        return parts


def _maker(item_type: Optional[type]) -> Optional[Callable[[Mapping[str, Any]], Any]]:
    if item_type is None or item_type is Item:
        return None
    for method in ("model_validate", "parse_obj"):
        if hasattr(item_type, method):
            made: Callable[[Mapping[str, Any]], Any] = getattr(item_type, method)
            return made
    return lambda raw: item_type(**raw)


class Missing:
    """In place of a score: the item could not be scored. It counts as a failure and is not cached; `None` is an answer, and is."""

    def __init__(self, why: str = "") -> None:
        self.why = why

    def __repr__(self) -> str:
        return "Missing(..)"
