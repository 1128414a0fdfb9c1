"""The Bot API's machine-readable description, where it is present: each request is checked against it.

The real server ignores parameters it does not know; here they are a fault of the caller's that is named,
because a misspelt parameter is otherwise found by a person, in production.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import msgspec

from .bot_api_params import ApiError, Params

Check = Callable[[Any], bool]


def _is_integer(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and value.lstrip("-").isdigit()
    )


def _is_float(value: Any) -> bool:
    if isinstance(value, str):
        return value.replace(".", "", 1).lstrip("-").isdigit()
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false"))


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


def _is_array(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, str) and value.startswith("["))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.startswith("{"))


_SIMPLE: dict[str, Check] = {
    "Integer": _is_integer,
    "Float": _is_float,
    "Boolean": _is_boolean,
    "String": _is_string,
    "InputFile": _is_string,  # a file id, a URL or attach://; an uploaded file is not among the parameters
}


def _check_for(kind: str) -> Check:
    return _is_array if kind.startswith("Array of") else _SIMPLE.get(kind, _is_object)


def find_spec() -> Path | None:
    """TELEGRAM_API_SPEC, or the copy beside the checkout, or none."""
    named = os.environ.get("TELEGRAM_API_SPEC")
    root = Path(__file__).resolve().parents[2]
    path = Path(named) if named else root.parent / "shared" / "telegram-bot-api" / "api.json"
    return path if path.is_file() else None


class Spec:
    def __init__(self, methods: dict[str, Any]) -> None:
        self._fields: dict[str, dict[str, tuple[Check, ...]]] = {}
        self._required: dict[str, tuple[str, ...]] = {}
        for name, method in methods.items():
            fields = method.get("fields", [])
            key = name.lower()
            self._fields[key] = {f["name"]: tuple(_check_for(t) for t in f["types"]) for f in fields}
            self._required[key] = tuple(f["name"] for f in fields if f["required"])

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(msgspec.json.decode(path.read_bytes())["methods"])

    def check(self, method: str, params: Params, files: dict[str, Any]) -> None:
        """Raise the 400 that names the first fault."""
        fields = self._fields.get(method)
        if fields is None:
            return
        for name in self._required[method]:
            if name not in params and name not in files:
                raise ApiError(400, f'Bad Request: {method}: required parameter "{name}" is missing')
        attached = {f"attach://{name}" for name in files} & {v for v in params.values() if isinstance(v, str)}
        for name in (*params, *files):
            checks = fields.get(name)
            if checks is None:
                if f"attach://{name}" in attached:
                    continue
                raise ApiError(400, f'Bad Request: {method}: unknown parameter "{name}"')
            value = params.get(name)
            if value is not None and not any(check(value) for check in checks):
                raise ApiError(400, f'Bad Request: {method}: parameter "{name}" is of the wrong type')
