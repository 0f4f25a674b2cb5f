"""Go parameters for papermill.

    papermill in.ipynb out.ipynb -p epochs 20 -p name "a run" -y '{layers: [64, 10]}'

writes a cell of Go below the one tagged "parameters":

    // Parameters
    epochs := 20
    name := "a run"
    layers := []int{64, 10}

A parameter redefines its variable, so the value decides the type: a list of
numbers is []int or []float64, a mapping is map[string]T, mixed values are any.
"""
from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any


def __getattr__(name: str) -> Any:
    # The entry point. papermill looks it up while papermill is being imported, even by
    # the import below, so it has to be defined before that.
    if name == "Engine":
        from papermill.engines import NBClientEngine

        return NBClientEngine
    raise AttributeError(name)


from papermill.models import Parameter  # noqa: E402
from papermill.translators import Translator, papermill_translators  # noqa: E402

_INT64 = range(-(2**63), 2**63)
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_KEYWORDS = frozenset(
    "break case chan const continue default defer else fallthrough for func go goto if import "
    "interface map package range return select struct switch type var".split()
)
# name := value, var name = value, var name type = value; then // help
_ASSIGNMENT = re.compile(
    r"^\s*(?:(?P<short>[^\W\d]\w*)\s*:=|var\s+(?P<var>[^\W\d]\w*)(?P<type>\s+[^=]+?)?\s*=)\s*"
    r"(?P<value>(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|'(?:\\.|[^'\\])*'|(?!//).)+?)\s*(?://\s*(?P<help>.*))?$"
)

_LITERALS = [
    ("int", re.compile(r"[-+]?(\d[\d_]*|0[xXbBoO][\da-fA-F_]+)")),
    ("float64", re.compile(r"[-+]?(\d[\d_]*\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?")),
    ("string", re.compile(r"\"(?:\\.|[^\"\\])*\"|`[^`]*`")),
    ("bool", re.compile(r"true|false")),
]
_COMPOSITE = re.compile(r"((?:\[\d*\]|map\[\w+\])+[\w.]+)\{.*\}")


def _literal_type(value: str) -> str:
    """The Go type of a literal, "None" if the value is not a plain literal."""
    for kind, pattern in _LITERALS:
        if pattern.fullmatch(value):
            return kind
    composite = _COMPOSITE.fullmatch(value)
    return composite[1] if composite else "None"


class GoTranslator(Translator):  # type: ignore[misc,unused-ignore]  # papermill has no types
    """Go source for the types of JSON and YAML."""

    @classmethod
    def translate_escaped_str(cls, str_val: object) -> str:
        out = []
        for c in str(str_val):
            if c in '"\\':
                out.append("\\" + c)
            elif c == "\n":
                out.append("\\n")
            elif c == "\t":
                out.append("\\t")
            elif 0xD800 <= ord(c) < 0xE000:
                out.append("\ufffd")  # half of a surrogate pair is not a character
            elif c.isprintable():
                out.append(c)
            elif ord(c) < 0x10000:
                out.append(f"\\u{ord(c):04x}")
            else:
                out.append(f"\\U{ord(c):08x}")
        return '"' + "".join(out) + '"'

    @classmethod
    def translate_none(cls, val: None) -> str:
        return "any(nil)"

    @classmethod
    def translate_int(cls, val: int) -> str:
        if val not in _INT64:
            raise ValueError(f"{val} does not fit into an int64; pass it as a string")
        return str(val)

    @classmethod
    def translate_float(cls, val: float) -> str:
        if math.isnan(val):
            return "math.NaN()"
        if math.isinf(val):
            return f"math.Inf({1 if val > 0 else -1})"
        text = repr(val)
        return text if "." in text or "e" in text else text + ".0"

    @classmethod
    def translate_list(cls, val: list[Any]) -> str:
        kind = cls._type(val)
        return kind + "{" + ", ".join(cls._element(v, kind[2:]) for v in val) + "}"

    @classmethod
    def translate_dict(cls, val: dict[Any, Any]) -> str:
        kind = cls._type(val)
        element = kind[len("map[string]"):]
        pairs = (cls.translate_str(str(k)) + ": " + cls._element(v, element) for k, v in val.items())
        return kind + "{" + ", ".join(pairs) + "}"

    @classmethod
    def _element(cls, val: Any, kind: str) -> str:
        if kind == "float64" and isinstance(val, int):
            return cls.translate_int(val)
        if kind == "any" and val is None:
            return "nil"
        if isinstance(val, (list, tuple)) and kind.startswith("[]"):
            return kind + "{" + ", ".join(cls._element(v, kind[2:]) for v in val) + "}"
        text: str = cls.translate(val)
        return text

    @classmethod
    def _type(cls, val: Any) -> str:
        """The Go type of a value."""
        if isinstance(val, bool):
            return "bool"
        if isinstance(val, int):
            return "int"
        if isinstance(val, float):
            return "float64"
        if isinstance(val, str):
            return "string"
        if isinstance(val, (list, tuple)):
            return "[]" + cls._common(val)
        if isinstance(val, dict):
            return "map[string]" + cls._common(val.values())
        return "any" if val is None else "string"

    @classmethod
    def _common(cls, values: Iterable[Any]) -> str:
        kinds = {cls._type(v) for v in values}
        if kinds == {"int", "float64"}:
            return "float64"
        if kinds == {"[]int", "[]float64"}:
            return "[]float64"
        return kinds.pop() if len(kinds) == 1 else "any"

    @classmethod
    def translate(cls, val: Any) -> str:
        if isinstance(val, tuple):
            val = list(val)
        text: str = super().translate(val)
        return text

    @classmethod
    def comment(cls, cmt_str: str) -> str:
        return f"// {cmt_str}".strip()

    @classmethod
    def assign(cls, name: str, str_val: str) -> str:
        if not _IDENTIFIER.fullmatch(name) or name in _KEYWORDS or name == "_":
            raise ValueError(f"{name!r} cannot be the name of a Go variable")
        return f"{name} := {str_val}"

    @classmethod
    def codify(cls, parameters: dict[str, Any], comment: str = "Parameters") -> str:
        source: str = super().codify(parameters, comment)
        if re.search(r":?[=,{ ]\s*math\.(NaN|Inf)\(", source):
            source = source.replace("\n", '\n\nimport "math"\n\n', 1)
        return source

    @classmethod
    def inspect(cls, parameters_cell: dict[str, Any]) -> list[Parameter]:
        """The parameters of a notebook, for papermill --help-notebook."""
        found = []
        for line in parameters_cell["source"].splitlines():
            m = _ASSIGNMENT.match(line)
            if m:
                found.append(
                    Parameter(
                        name=m["short"] or m["var"],
                        inferred_type_name=(m["type"] or _literal_type(m["value"].strip())).strip(),
                        default=m["value"].strip(),
                        help=(m["help"] or "").strip(),
                    )
                )
        return found


papermill_translators.register("go", GoTranslator)
papermill_translators.register("gopherpod", GoTranslator)
