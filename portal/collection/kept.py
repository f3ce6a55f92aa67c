"""Frozen dataclasses as JSON and back, for what is reckoned once and shown many times."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def as_json(value: Any) -> Any:
    """A dataclass as JSON values; days and instants become ISO texts."""
    return json.loads(json.dumps(asdict(value), default=str))


def from_json(kind: type[T], data: Any) -> T:
    """What `as_json` made JSON of. Raises KeyError or TypeError when it was of another form."""
    wanted: Any = kind
    found: T = _reader(wanted)(data)
    return found


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """What reads values of a type, worked out once."""
    origin = get_origin(kind)
    if origin is UnionType:
        (some,) = (one for one in get_args(kind) if one is not NoneType)
        read = _reader(some)
        return lambda value: None if value is None else read(value)
    if origin is Sequence:
        read = _reader(get_args(kind)[0])
        return lambda value: tuple(read(one) for one in value)
    if origin is Mapping:
        read = _reader(get_args(kind)[1])
        return lambda value: {key: read(one) for key, one in value.items()}
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        readers = [(one.name, _reader(hints[one.name])) for one in fields(kind)]
        make: Any = kind
        return lambda value: make(**{name: read(value[name]) for name, read in readers})
    if kind is date:
        return date.fromisoformat
    if kind is datetime:
        return datetime.fromisoformat
    return lambda value: value
