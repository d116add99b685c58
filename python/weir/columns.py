"""Turns what a scorer returns into columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from .failures import BadReturn
from .items import Missing

Value = Union[float, int, str, None]
Columns = dict[str, list[Value]]


def to_columns(
    result: Any, outputs: Sequence[str], wanted: Sequence[str], count: int
) -> tuple[Columns, dict[str, str]]:
    """Returns the wanted columns of `count` values, and the reasons of missing items by index.

    `result` is either columns (a mapping, or a data frame, of sequences) or rows (a sequence, or anything with
    `tolist`, of values, tuples, mappings, `None` and `Missing`).
    """
    if isinstance(result, Mapping) or _is_frame(result):
        return _from_columns(result, wanted, count)
    return _from_rows(result, outputs, wanted, count)


def _is_frame(result: Any) -> bool:
    return hasattr(result, "columns") and hasattr(result, "__getitem__")


def _from_columns(result: Any, wanted: Sequence[str], count: int) -> tuple[Columns, dict[str, str]]:
    columns: Columns = {}
    errors: dict[str, str] = {}
    for name in wanted:
        try:
            column = result[name]
        except KeyError:
            raise BadReturn(f"expected a column {name!r}, found none") from None
        values = _sequence(column, f"column {name!r}")
        if len(values) != count:
            raise BadReturn(f"expected {count} values in column {name!r}, found {len(values)}")
        columns[name] = [_value(value, errors, index) for index, value in enumerate(values)]
    return columns, _whole(columns, errors)


def _from_rows(
    result: Any, outputs: Sequence[str], wanted: Sequence[str], count: int
) -> tuple[Columns, dict[str, str]]:
    rows = _sequence(result, "the result")
    if len(rows) != count:
        raise BadReturn(f"expected {count} scores, found {len(rows)}")
    errors: dict[str, str] = {}
    if len(outputs) == 1 and not any(isinstance(row, (Mapping, tuple, list)) for row in rows):
        # The common case: a list of numbers.
        columns = {outputs[0]: [_value(row, errors, index) for index, row in enumerate(rows)]}
        return {name: columns[name] for name in wanted}, errors
    columns = {name: [] for name in wanted}
    for index, row in enumerate(rows):
        values = _row(row, outputs, index)
        for name in wanted:
            columns[name].append(_value(values[name], errors, index))
    return columns, _whole(columns, errors)


def _row(row: Any, outputs: Sequence[str], index: int) -> Mapping[str, Any]:
    if row is None or isinstance(row, Missing):
        return dict.fromkeys(outputs, row)
    if isinstance(row, Mapping):
        for name in outputs:
            if name not in row:
                raise BadReturn(f"expected {name!r} in row {index}, found none (None says that there is no score)")
        return row
    if hasattr(row, "tolist"):
        row = row.tolist()
    if isinstance(row, (tuple, list)):
        if len(row) != len(outputs):
            raise BadReturn(f"expected {len(outputs)} values in row {index}, found {len(row)}")
        return dict(zip(outputs, row))
    if len(outputs) == 1:
        return {outputs[0]: row}
    raise BadReturn(
        f"expected a row of {len(outputs)} values ({', '.join(outputs)}) for item {index}, found {type(row).__name__}"
    )


def _sequence(values: Any, what: str) -> Sequence[Any]:
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, (list, tuple)):
        return values
    if values is None or isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise BadReturn(f"expected {what} to be a sequence, found {type(values).__name__}")
    return list(values)


def _value(value: Any, errors: dict[str, str], index: int) -> Value:
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if value is None or kind is int and -(2**53) <= value <= 2**53:
        return value  # type: ignore[no-any-return]
    if isinstance(value, Missing):
        errors[str(index)] = clean(value.why)
        return None
    if isinstance(value, str):
        return clean(value)
    if not isinstance(value, (bool, int, float)) and hasattr(value, "tolist"):
        value = value.tolist()
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
    return _number(value, index)


def _number(value: Any, index: int) -> Optional[float]:
    if value is None or type(value).__name__ == "NAType":  # pandas.NA
        return None
    if isinstance(value, (Mapping, list, tuple, bytes)):
        raise BadReturn(f"expected a number or text for item {index}, found {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        return None
    except (TypeError, ValueError):
        raise BadReturn(f"expected a number or text for item {index}, found {type(value).__name__}") from None
    return number if math.isfinite(number) else None


def _whole(columns: Columns, errors: dict[str, str]) -> dict[str, str]:
    """Clears the other columns of items that have an error."""
    for index in errors:
        for column in columns.values():
            column[int(index)] = None
    return errors


def clean(text: str) -> str:
    """Replaces lone surrogates, which are no Unicode and no message."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
