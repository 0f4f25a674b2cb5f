"""Reading JSON that someone else wrote: a wrong field is a JobError that names it.

    JobError            a failure with a kind, a message for a person, a field
    Fields              reads a JSON object field by field
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable
from typing import Any


class JobError(ValueError):
    """Why a job failed: kind is the decision that the caller can take (worker/errors.go)."""

    def __init__(self, kind: str, message: str, field: str = ""):
        super().__init__(message)
        # what a request holds may stand in both; a name of a megabyte is not repeated
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
    """"; did you mean ...?" or a list of what is known."""
    known = sorted(known)
    close = difflib.get_close_matches(word.lower(), known, n=1)
    return f"did you mean {close[0]!r}?" if close else "known: " + ", ".join(known)


def shown(value: Any) -> str:
    """A foreign value, short enough for a message."""
    try:
        text = json.dumps(value, default=str)
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


class Fields:
    """A JSON object under a path. Every read takes the field away; end() refuses what is left."""

    def __init__(self, value: Any, path: str):
        if not isinstance(value, dict):
            raise invalid(path, f"an object is expected, not {shown(value)}")
        for key in value:
            if not isinstance(key, str):
                raise invalid(path, f"a key is not a text: {shown(key)}")
        self.path, self.left = path, dict(value)
        self.known: list[str] = []

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str, default: Any = None) -> Any:
        """The value as it is; null counts as absent."""
        self.known.append(name)
        value = self.left.pop(name, None)
        return default if value is None else value

    def has(self, name: str) -> bool:
        return self.left.get(name) is not None

    def text(self, name: str, default: str = "", choices: Iterable[str] | None = None, limit: int = 1 << 10) -> str:
        value = self.raw(name, default)
        if not isinstance(value, str):
            raise invalid(self.at(name), f"a text is expected, not {shown(value)}")
        if len(value) > limit:
            raise invalid(self.at(name), f"a text of at most {limit} characters is expected, this has {len(value)}")
        if choices is not None and value not in choices:
            raise invalid(self.at(name), f"unknown value {shown(value)}; {nearest(value, choices)}")
        return value

    def integer(self, name: str, default: Any = None, low: int = 0, high: int = 1 << 31) -> Any:
        value = self.raw(name, default)
        if value is default:
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(self.at(name), f"an integer is expected, not {shown(value)}")
        if not low <= value <= high:
            raise invalid(self.at(name), f"{shown(value)} is not in {low}..{high}")
        return value

    def num(self, name: str, default: Any = None, low: float = -math.inf, high: float = math.inf, open_low: bool = False) -> Any:
        value = self.raw(name, default)
        if value is default:
            return default
        return self._number(name, value, low, high, open_low)

    def _number(self, name: str, value: Any, low: float, high: float, open_low: bool = False) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise invalid(self.at(name), f"a number is expected, not {shown(value)}")
        try:
            value = float(value)
        except OverflowError:
            raise invalid(self.at(name), "the number is too large") from None
        if not math.isfinite(value) or not low <= value <= high or (open_low and value == low):
            bounds = f"{'>' if open_low else '>='} {low:g}" + ("" if math.isinf(high) else f" and <= {high:g}")
            raise invalid(self.at(name), f"{value:g} is not {bounds}")
        return value

    def bool(self, name: str, default: bool = False) -> bool:
        value = self.raw(name, default)
        if not isinstance(value, bool):
            raise invalid(self.at(name), f"true or false is expected, not {shown(value)}")
        return value

    def numbers(self, name: str, low: float = -math.inf, high: float = math.inf, limit: int = 1 << 20) -> tuple[Any, ...] | None:
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) > limit:
            raise invalid(self.at(name), f"a list of at most {limit} numbers is expected")
        return tuple(self._number(f"{name}[{i}]", v, low, high) for i, v in enumerate(value))

    def end(self) -> None:
        for name in self.left:
            raise invalid(self.at(name), f"unknown field {shown(name)}; {nearest(name, set(self.known))}")
