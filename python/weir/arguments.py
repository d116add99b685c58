"""Arguments of jobs and sources: their JSON Schema, and how they are checked, by the function's type hints."""

from __future__ import annotations

import collections.abc
import inspect
import json
import math
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Callable, Union

from .channel import to_plain
from .failures import ArgumentError, DefinitionError
from .items import parse_time

Schema = dict[str, Any]
Reader = Callable[[str, Any], Any]

_UNIONS = [Union] + [getattr(__import__("types"), "UnionType", Union)]
_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable)
_MAPPINGS = (dict, collections.abc.Mapping)


class Signature:
    """The arguments that a function takes."""

    def __init__(self, function: Callable[..., Any], given: Sequence[str] = ()) -> None:
        """`given` are parameters that Weir fills in, such as the cursor of a source."""
        self.signature = inspect.signature(function)
        name = getattr(function, "__name__", "the function")
        try:
            hints = typing.get_type_hints(function)
        except Exception as error:
            raise DefinitionError(
                f"the type hints of {name} cannot be read ({type(error).__name__}: {error}); "
                "before Python 3.10 write Optional[int] for int | None"
            ) from error
        self.takes_any = False
        self.given = [parameter for parameter in given if parameter in self.signature.parameters]
        self._readers: dict[str, Reader] = {}
        self._required: list[str] = []
        properties: dict[str, Schema] = {}
        for parameter in self.signature.parameters.values():
            if parameter.name in given:
                continue
            if parameter.kind is parameter.VAR_KEYWORD:
                self.takes_any = True
                continue
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
                raise DefinitionError(
                    f"{name} has the parameter {parameter.name!r} without a name: arguments are sent by name"
                )
            schema, reader = _read_hint(hints.get(parameter.name, Any), f"{parameter.name!r} of {name}")
            if parameter.default is parameter.empty:
                self._required.append(parameter.name)
            elif _is_json(parameter.default):
                schema = {**schema, "default": parameter.default}
            properties[parameter.name] = schema
            self._readers[parameter.name] = reader
        self.schema: Schema = {
            "type": "object",
            "properties": properties,
            "required": self._required,
            "additionalProperties": self.takes_any,
        }

    def read(self, args: Any) -> dict[str, Any]:
        """Checks and converts what was sent."""
        if args is None:
            args = {}
        if not isinstance(args, Mapping):
            raise ArgumentError("args", f"expected an object, found {_kind(args)}")
        read: dict[str, Any] = {}
        for name, value in args.items():
            reader = self._readers.get(name)
            if reader is not None:
                read[name] = reader(f"args.{name}", value)
            elif self.takes_any and name not in self.given:
                read[name] = value
            else:
                known = ", ".join(self._readers) or "none"
                raise ArgumentError(f"args.{name}", f"there is no such argument; known are: {known}")
        for name in self._required:
            if name not in read:
                raise ArgumentError(f"args.{name}", "the argument is required")
        return read

    def write(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Turns the arguments of a call into what is sent."""
        bound = self.signature.bind(*args, **kwargs).arguments
        for parameter in self.signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                bound.update(bound.pop(parameter.name, {}))
        sent: dict[str, Any] = json.loads(json.dumps(dict(bound), default=to_plain))
        self.read(sent)
        return sent


def _read_hint(hint: Any, what: str) -> tuple[Schema, Reader]:
    """Returns the schema and the reader of a type hint."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return {}, lambda _, value: value
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if hint is None or hint is type(None):
        return {"type": "null"}, _read_null
    if origin is typing.Literal:
        return {"enum": list(inner)}, _literal(inner)
    if origin in _UNIONS:
        return _union([_read_hint(part, what) for part in inner])
    if hint in _LISTS or origin in _LISTS:
        return _list_of(_read_hint(inner[0], what) if inner else ({}, lambda _, value: value))
    if hint in _MAPPINGS or origin in _MAPPINGS:
        if inner and inner[0] is not str:
            raise DefinitionError(f"the keys of {what} must be str")
        return _mapping_of(_read_hint(inner[1], what) if inner else ({}, lambda _, value: value))
    for validate, schema in (("model_validate", "model_json_schema"), ("parse_obj", "schema")):
        if isinstance(hint, type) and hasattr(hint, validate):
            return getattr(hint, schema)(), _model(getattr(hint, validate))
    raise DefinitionError(
        f"the type of {what} is not supported: expected str, int, float, bool, datetime, Literal, Optional, list, dict or a pydantic model"
    )


def _read_str(path: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _misfit(path, "text", value)


def _read_int(path: str, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _misfit(path, "a whole number", value)


def _read_float(path: str, value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise _misfit(path, "a number", value)
    return float(value)


def _read_bool(path: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _misfit(path, "true or false", value)


def _read_null(path: str, value: Any) -> None:
    if value is not None:
        raise _misfit(path, "null", value)


def _read_datetime(path: str, value: Any) -> datetime:
    try:
        return parse_time(value)
    except (TypeError, ValueError):
        raise _misfit(path, "a time as 2026-11-24T04:00:00Z", value) from None


_SIMPLE: dict[Any, tuple[Schema, Reader]] = {
    str: ({"type": "string"}, _read_str),
    int: ({"type": "integer"}, _read_int),
    float: ({"type": "number"}, _read_float),
    bool: ({"type": "boolean"}, _read_bool),
    datetime: ({"type": "string", "format": "date-time"}, _read_datetime),
}


def _literal(values: Sequence[Any]) -> Reader:
    def read(path: str, value: Any) -> Any:
        for known in values:
            if known == value and type(known) is type(value):
                return known
        raise ArgumentError(path, f"expected one of {', '.join(map(repr, values))}")

    return read


def _union(parts: Sequence[tuple[Schema, Reader]]) -> tuple[Schema, Reader]:
    def read(path: str, value: Any) -> Any:
        errors = []
        for _, reader in parts:
            try:
                return reader(path, value)
            except ArgumentError as error:
                errors.append(error)
        raise errors[0]

    return {"anyOf": [schema for schema, _ in parts]}, read


def _list_of(part: tuple[Schema, Reader]) -> tuple[Schema, Reader]:
    schema, reader = part

    def read(path: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _misfit(path, "a list", value)
        return [reader(f"{path}[{index}]", entry) for index, entry in enumerate(value)]

    return {"type": "array", "items": schema}, read


def _mapping_of(part: tuple[Schema, Reader]) -> tuple[Schema, Reader]:
    schema, reader = part

    def read(path: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _misfit(path, "an object", value)
        return {name: reader(f"{path}.{name}", entry) for name, entry in value.items()}

    return {"type": "object", "additionalProperties": schema}, read


def _model(validate: Callable[[Any], Any]) -> Reader:
    def read(path: str, value: Any) -> Any:
        try:
            return validate(value)
        except ValueError as error:
            # Of pydantic's errors only the places are told: its messages quote the input.
            errors = error.errors() if hasattr(error, "errors") else []
            at = "".join(f".{part}" for part in (errors[0].get("loc", ()) if errors else ()))
            kind = errors[0].get("type", "invalid") if errors else "invalid"
            raise ArgumentError(path + at, f"does not fit the model ({kind})") from None

    return read


def _misfit(path: str, expected: str, value: Any) -> ArgumentError:
    return ArgumentError(path, f"expected {expected}, found {_kind(value)}")


def _kind(value: Any) -> str:
    names = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
