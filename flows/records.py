"""Records: frozen, keyword-only, compared by value, with `evolve()`. A naive datetime is refused at once."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Self, dataclass_transform

import msgspec

from flows.errors import NaiveTimeError


@dataclass_transform(frozen_default=True, kw_only_default=True)
class _RecordMeta(msgspec.StructMeta):
    """Makes every record keyword-only, which msgspec leaves to each class."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        return super().__new__(mcls, name, bases, namespace, **{"frozen": True, "kw_only": True, **options})


class Record(msgspec.Struct, metaclass=_RecordMeta):
    """The base of every record of ours."""

    def __post_init__(self) -> None:
        for name in _moments(type(self)):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise NaiveTimeError(f"{type(self).__name__}.{name}")

    def evolve(self, **changes: Any) -> Self:
        """The same record with some fields changed."""
        return msgspec.structs.replace(self, **changes)


@cache
def _moments(kind: type[Record]) -> tuple[str, ...]:
    """The names of a record's datetime fields."""
    return tuple(field.name for field in msgspec.structs.fields(kind) if _is_moment(field.type))


def _is_moment(annotation: Any) -> bool:
    several = getattr(annotation, "__origin__", None) in (tuple, dict)
    return annotation is datetime or (datetime in getattr(annotation, "__args__", ()) and not several)
