"""JSON of the API as typed values: camelCase to snake_case, absent to the default, unknown left out."""

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

Value = TypeVar("Value")


def read(kind: type[Value], data: Mapping[str, Any]) -> Value:
    """`data` as the dataclass `kind`. Raises TypeError when something that it must have is absent."""
    found = {
        name: _value(hint, data[key])
        for name, hint in _hints(kind).items()
        for key in (camel(name), name)
        if data.get(key) is not None
    }
    return kind(**found)


def camel(name: str) -> str:
    """`fail_code` as the API writes it: `failCode`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    assert is_dataclass(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _value(hint: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        (inner,) = (one for one in arguments if one is not types.NoneType)
        return _value(inner, value)
    if origin is tuple:
        return tuple(_value(arguments[0], one) for one in value)
    if origin is dict:
        return {key: _value(arguments[1], one) for key, one in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return read(hint, value)
    return value
