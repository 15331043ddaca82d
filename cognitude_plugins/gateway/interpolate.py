"""References in values: ``${VAR}``, ``${VAR:-default}``, ``os.environ/NAME``, and ``$${`` for a literal ``${``.

What is put in is text: it is never looked at again for further references.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hooks import Problem

from .scalar import scalar
from .yamlfile import Document
from .yamltree import YamlPath, path_text

_MARKER: Final = re.compile(r"\$\$\{|\$\{([^{}$]*)\}|\$\{")
_REFERENCE: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?\Z", re.DOTALL)
_WHOLE: Final = re.compile(r"\$\{[^{}$]*\}\Z")
_LITELLM: Final = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)\Z")


@dataclass(slots=True)
class Interpolated:
    """``data`` with every reference put in; ``texts`` are the values that came of it, by path: never to be shown."""

    data: Any = None
    texts: dict[YamlPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def interpolate(
    document: Document, environ: Mapping[str, str], skip: frozenset[YamlPath] = frozenset()
) -> Interpolated:
    """Every string of the document; below the paths in ``skip`` nothing is touched.

    A value that is one reference and nothing else is typed as YAML would type it there: ``port: ${PORT:-8080}`` is a
    number. Keys are left alone.
    """
    done = Interpolated()
    work = _Work(document, environ, skip, done)
    done.data = work.value(document.data, ())
    return done


@dataclass(frozen=True, slots=True)
class _Work:
    document: Document
    environ: Mapping[str, str]
    skip: frozenset[YamlPath]
    done: Interpolated

    def value(self, value: Any, path: YamlPath) -> Any:
        """Recursive: the document's depth is bounded."""
        if path in self.skip:
            return value
        if isinstance(value, dict):
            return {key: self.value(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, (*path, index)) for index, item in enumerate(value)]
        return self.text(value, path) if isinstance(value, str) else value

    def text(self, text: str, path: YamlPath) -> Any:
        if whole := _LITELLM.match(text):
            result = self.variable(whole[1], None, path)
            self.done.texts[path] = result
            return scalar(result)
        if "${" not in text:
            return text
        result = _MARKER.sub(lambda marker: self.marker(marker, path), text)
        if result != text.replace("$${", "${"):
            self.done.texts[path] = result
        return scalar(result) if _WHOLE.match(text) else result

    def marker(self, marker: re.Match[str], path: YamlPath) -> str:
        if marker[0] == "$${":
            return "${"
        reference = _REFERENCE.match(marker[1] or "")
        if reference is None:
            self.problem(path, "has a ${…} that is neither ${NAME} nor ${NAME:-default}; a literal ${ is written $${")
            return ""
        return self.variable(reference[1], reference[2], path)

    def variable(self, name: str, default: str | None, path: YamlPath) -> str:
        """An empty variable counts as set, except where there is a default (as ``:-`` means in a shell)."""
        value = self.environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            self.problem(path, f"the environment variable {name} is not set, and there is no default (${{{name}:-…}})")
            return ""
        return value

    def problem(self, path: YamlPath, rule: str) -> None:
        line = self.document.line_of(path)
        self.done.problems.append(Problem(path=path_text(path), rule=rule, line=line, file=self.document.file))
