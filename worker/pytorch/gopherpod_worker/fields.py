"""Reads JSON that someone else wrote: a wrong field is a JobError that names it.

    JobError            a failure: its kind, a message for people, a field
    Fields              reads a JSON object field by field
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable
from typing import Any

from .contract import Range


class JobError(ValueError):
    """Why a job failed. The kind tells callers what they can do about it (worker/errors.go)."""

    def __init__(self, kind: str, message: str, field: str = ""):
        super().__init__(message)
        # both may quote the request: do not repeat a name of a megabyte
        self.kind, self.message, self.field = kind, message[:1000], field[:300]

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message

    def object(self) -> dict[str, Any]:
        out = {"error_type": self.kind, "error_message": self.message}
        if self.field:
            out["field"] = self.field
        return out

    def json(self) -> str:
        return json.dumps(self.object())


def invalid(field: str, message: str) -> JobError:
    return JobError("InvalidRequest", message, field)


def unsupported(field: str, message: str) -> JobError:
    return JobError("Unsupported", message, field)


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns "did you mean ...?", or the list of known words."""
    known = sorted(known)
    close = difflib.get_close_matches(word.lower(), known, n=1)
    return f"did you mean {close[0]!r}?" if close else "known: " + ", ".join(known)


def shown(value: Any) -> str:
    """Returns a foreign value as text that is short enough for a message."""
    try:
        text = json.dumps(value, default=str)
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def json_kind(value: Any) -> str:
    """Returns the type of a JSON value in the words of worker/strict.go."""
    words = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return words.get(type(value), "a number")


def whole(value: Any, path: str) -> int:
    """Returns an integer, which may be written as 32.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float):
        raise invalid(path, f"is {shown(value)}, wants a whole number")
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(path, f"wants a whole number, not {json_kind(value)}")
    return value


def finite(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise invalid(path, f"wants a number, not {json_kind(value)}")
    try:
        x = float(value)
    except OverflowError:
        raise invalid(path, "wants a number that float64 can hold") from None
    if not math.isfinite(x):
        raise invalid(path, f"is {x}, wants a finite number")
    return x


def flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(path, f"wants true or false, not {json_kind(value)}")
    return value


def word(value: Any, path: str, choices: Iterable[str]) -> str:
    """Returns a text that is one of the choices."""
    if not isinstance(value, str):
        raise invalid(path, f"wants a text, not {json_kind(value)}")
    if value not in choices:
        raise invalid(path, f"unknown value {shown(value)}; {nearest(value, choices)}")
    return value


def within(value: Any, path: str, r: Range) -> Any:
    """Returns a number that is in the range."""
    if not r.contains(value):
        raise invalid(path, f"is {shown(value)}, wants {r.words}")
    return value


class Fields:
    """A JSON object under a path. Every read removes the field; end() refuses what is left."""

    def __init__(self, value: Any, path: str):
        if not isinstance(value, dict):
            raise invalid(path, f"wants an object, not {json_kind(value)}")
        for key in value:
            if not isinstance(key, str):
                raise invalid(path, f"a key is not a text: {shown(key)}")
        self.path, self.left = path, dict(value)
        self.known: list[str] = []

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str, default: Any = None) -> Any:
        """Returns the value unchanged; null counts as absent."""
        self.known.append(name)
        value = self.left.pop(name, None)
        return default if value is None else value

    def has(self, name: str) -> bool:
        return self.left.get(name) is not None

    def text(self, name: str, default: str = "", choices: Iterable[str] | None = None, limit: int = 1 << 10) -> str:
        value = self.raw(name, default)
        if not isinstance(value, str):
            raise invalid(self.at(name), f"wants a text, not {json_kind(value)}")
        if len(value) > limit:
            raise invalid(self.at(name), f"has {len(value)} characters, wants at most {limit}")
        return value if choices is None else word(value, self.at(name), choices)

    def integer(self, name: str, default: Any = None, low: int = 0, high: int = 1 << 31) -> Any:
        value = self.raw(name, default)
        if value is default:
            return default
        return within(whole(value, self.at(name)), self.at(name), Range(low, high, words=f"{low} to {high}"))

    def end(self) -> None:
        for name in self.left:
            raise invalid(self.at(name), f"unknown field {shown(name)}; {nearest(name, set(self.known))}")
