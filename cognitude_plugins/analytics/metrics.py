"""Metrics of the operator's own: arithmetic over the sums of a group, compiled once.

What is allowed is so little that an evaluation cannot take long: numbers, the names of `NAMES`, ``+ - * / // % **``,
``min``, ``max`` and ``round``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from math import isfinite
from typing import Any, Final
from warnings import catch_warnings

from hooks import Sums

NAMES: Final = (
    *("calls", "errors", "hits", "incomplete", "unpriced"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "total_tokens"),
    *("cost_nano_usd", "cost_usd", "saved_nano_usd", "saved_usd", "error_rate", "hit_rate"),
    *("p50", "p95", "p99"),
)
"""What an expression can read of a group. Quantiles are in seconds, rates in 0 … 1."""
QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LONGEST: Final = 500

_DEEPEST: Final = 32
_NANO: Final = 1e9
_POWER: Final = "power"
_SUMMED: Final = tuple(name for name in NAMES if name in Sums.__slots__)


def _power(base: float, exponent: float) -> Any:
    """Of floats, which overflow at once; of whole numbers it could take for ever."""
    return float(base) ** float(exponent)


def _round(value: float, *digits: int) -> Any:
    """Of floats: to round a whole number to -999999999 digits Python would write out that power of ten."""
    return round(float(value), *digits)


_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {"min": min, "max": max, "round": _round}
_OPERATORS: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.USub, ast.UAdd)
_PARTS: Final = (ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Constant, ast.Load, *_OPERATORS)


class Metric:
    """A compiled expression, and the ``names`` it reads. Raises ``ValueError`` that says what is wrong, and where."""

    def __init__(self, expression: str) -> None:
        parsed = _parsed(expression)
        self.expression: Final = expression
        found = {node.id for node in ast.walk(parsed) if isinstance(node, ast.Name)}
        self.names: Final = tuple(sorted(found - _FUNCTIONS.keys()))
        self._function: Final = _function(parsed, self.names)

    def value(self, named: Mapping[str, float | None]) -> float | None:
        """None where something it reads is not known, where it divides by zero, and for what is no finite number."""
        given = [named[name] for name in self.names]
        if None in given:
            return None
        try:
            found = self._function(*given)
            return float(found) if isinstance(found, int | float) and isfinite(found) else None
        except (ArithmeticError, TypeError, ValueError):
            return None


def metric_value(expression: str, sums: Sums) -> float | None:
    """Of these sums, whose ``seconds`` are at `QUANTILES` or empty. Raises ``ValueError`` for what is no expression."""
    return compiled(expression).value(named_sums(sums))


@lru_cache(maxsize=1024)
def compiled(expression: str) -> Metric:
    return Metric(expression)


def named_sums(sums: Sums) -> dict[str, float | None]:
    """What each of `NAMES` is; None where it is not known."""
    given = len(sums.seconds) == len(QUANTILES)
    seconds = sums.seconds if given else (None,) * len(QUANTILES)
    return {
        **{name: getattr(sums, name) for name in _SUMMED},
        "total_tokens": sums.prompt_tokens + sums.completion_tokens,
        "cost_usd": sums.cost_nano_usd / _NANO,
        "saved_usd": sums.saved_nano_usd / _NANO,
        "error_rate": rate(sums.errors, sums.calls),
        "hit_rate": rate(sums.hits, sums.calls),
        **dict(zip(QUANTILES, seconds, strict=True)),
    }


def rate(some: int, all_of_them: int) -> float | None:
    return some / all_of_them if all_of_them else None


def _parsed(expression: str) -> ast.expr:
    if len(expression) > LONGEST:
        raise ValueError(f"an expression has at most {LONGEST} characters, not {len(expression)}")
    try:
        with catch_warnings(action="ignore"):
            parsed = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        where = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise ValueError(f"{expression!r} is no expression: it cannot be read{where}") from None
    for node, depth in _walked(parsed):
        _check(node, depth, expression.strip())
    return parsed


def _function(parsed: ast.expr, names: tuple[str, ...]) -> Callable[..., Any]:
    """What was checked, as a function of these names: walking it for each of 10,000 groups takes seconds."""
    body = _Powers().visit(parsed)
    given = [ast.arg(arg=name) for name in names]
    taken = ast.arguments(posonlyargs=[], args=given, kwonlyargs=[], kw_defaults=[], defaults=[])
    code = compile(ast.fix_missing_locations(ast.Expression(ast.Lambda(args=taken, body=body))), "<metric>", "eval")
    function: Callable[..., Any] = eval(code, {"__builtins__": {}, **_FUNCTIONS, _POWER: _power})
    return function


class _Powers(ast.NodeTransformer):
    """``a ** b`` as a call of `_power`, by a name that no expression can have."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        return ast.Call(func=ast.Name(id=_POWER, ctx=ast.Load()), args=[node.left, node.right], keywords=[])


def _walked(parsed: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    """Without recursion: how deep it is, is the writer's choice."""
    waiting = [(parsed, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]


def _check(node: ast.AST, depth: int, text: str) -> None:
    where = f" at character {node.col_offset + 1}" if hasattr(node, "col_offset") else ""
    if depth > _DEEPEST:
        raise ValueError(f"{text!r} is nested deeper than {_DEEPEST}{where}")
    if not isinstance(node, _PARTS):
        raise ValueError(f"{text!r}: {_shown(node)}{where} is not allowed: there are numbers, names, + - * / // % **")
    if isinstance(node, ast.Constant) and type(node.value) not in (int, float):
        raise ValueError(f"{text!r}: {node.value!r}{where} is no number")
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or node.keywords or not node.args:
            raise ValueError(f"{text!r}: what is called{where} is not one of {', '.join(_FUNCTIONS)} with values")
    elif isinstance(node, ast.Name) and node.id not in NAMES and node.id not in _FUNCTIONS:
        nearest = get_close_matches(node.id, NAMES, n=1)
        hint = f"; the nearest is {nearest[0]!r}" if nearest else f": there are {', '.join(NAMES)}"
        raise ValueError(f"{text!r}: {node.id!r}{where} is not known{hint}")


def _shown(node: ast.AST) -> str:
    return type(node).__name__.lower()
