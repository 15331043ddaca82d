"""What a pipeline entry's ``use`` names: an installed plugin, a class, a module or a file. Only that is imported."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoints, entry_points
from importlib.util import find_spec, module_from_spec, spec_from_loader
from inspect import getmembers_static, isclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

from hooks import PluginError

from .foreign import foreign
from .source import nearest
from .storage.redefined import discard, set_aside
from .vet import hooks_of

GROUP: Final = "cognitude.plugins"
T = TypeVar("T")


class Unknown(PluginError):
    """``use`` names nothing; ``near`` is the closest name that exists."""

    def __init__(self, rule: str, near: str | None = None) -> None:
        super().__init__(rule)
        self.near = near


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``target`` is a class, a module or an object; ``origin`` says where it is from."""

    target: Any
    origin: str


def installed() -> EntryPoints:
    """The installed plugins, none of them imported. It reads every package's metadata."""
    return entry_points(group=GROUP)


def resolve(use: str, folder: Path, points: EntryPoints) -> Found:
    """Raises `PluginError`, whose text completes "it …"; relative files are relative to ``folder``.

    ``points`` are those that are `installed`.
    """
    if use.startswith(("./", "../", "/")):
        return _file(use, folder)
    named = tuple(points.select(name=use))
    if len(named) > 1:
        values = " and ".join(sorted(point.value for point in named))
        raise PluginError(f"is the name of several installed plugins ({values}): use package.module:Class")
    if named:
        dist = named[0].dist
        package = f" ({dist.name} {dist.version})" if dist else ""
        return Found(target=_named(named[0].module, named[0].attr, points), origin=named[0].value + package)
    module, _, attribute = use.partition(":")
    if use.endswith(".py") or "/" in use:
        raise Unknown(f"names nothing; a file is written ./{use.lstrip('/')}", nearest(use, points.names))
    if "." not in module and not attribute and not _exists(module):
        raise Unknown("is neither an installed plugin nor a module", nearest(use, points.names))
    return Found(target=_named(module, attribute, points), origin=use)


def one_line(text: object) -> str:
    """What an error says, cut to what fits into a message; secrets are taken out before."""
    return str(text).split("\n")[0][:300]


def _exists(module: str) -> bool:
    if not module.isidentifier():
        return False
    try:
        return find_spec(module) is not None
    except ValueError:
        return module in sys.modules


def _named(module: str, attribute: str, points: EntryPoints) -> Any:
    if not all(part.isidentifier() for part in module.split(".")):
        raise Unknown("is not the name of a plugin, a module, or package.module:Class", nearest(module, points.names))
    try:
        target: Any = foreign(import_module, module)
    except PluginError as error:
        raise PluginError(f"cannot be imported: {one_line(error)}") from None
    return _attribute(target, attribute, module)


def _attribute(target: Any, attribute: str, module: str) -> Any:
    for part in attribute.split(".") if attribute else ():
        known = [name for name in dir(target) if not name.startswith("_")]
        if part not in dir(target):
            raise Unknown(f"names {part!r}, which is not in {module}", nearest(part, known))
        target = foreign(getattr, target, part)
    return target


def _file(use: str, folder: Path) -> Found:
    name, _, attribute = use.partition(":")
    path = (folder / name).absolute()
    if not path.is_file():
        near = nearest(path.stem, [file.stem for file in path.parent.glob("*.py")])
        raise Unknown("names a file that is not there", near and f"{name.rpartition('/')[0]}/{near}.py")
    if path.suffix != ".py":
        raise Unknown("names a file that is not a .py file")
    module = _execute(path)
    if attribute:
        return Found(target=_attribute(module, attribute, name), origin=f"{path}:{attribute}")
    return Found(target=_only_class(module, name) or module, origin=str(path))


def _execute(path: Path) -> ModuleType:
    """A fresh module each time, so that a reload sees the file as it is now."""
    name = f"cognitude_file_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    spec = spec_from_loader(name, SourceFileLoader(name, str(path)), is_package=False)
    if spec is None or spec.loader is None:
        raise PluginError("cannot be imported")
    module = module_from_spec(spec)
    before = sys.modules.get(name)
    put_back = set_aside(before)
    sys.modules[name] = module
    try:
        foreign(spec.loader.exec_module, module)
    except PluginError as error:
        sys.modules.pop(name)
        discard(module)
        put_back()
        if before is not None:
            sys.modules[name] = before
        raise PluginError(f"cannot be imported: {one_line(error)}") from None
    return module


def _only_class(module: ModuleType, name: str) -> type | None:
    classes = plugin_classes(module)
    if len(classes) == 1:
        return classes[0]
    if classes and not hooks_of(module):
        names = ", ".join(item.__name__ for item in classes)
        raise PluginError(f"has several plugin classes ({names}): use {name}:{classes[0].__name__}")
    return None


def plugin_classes(module: ModuleType) -> list[type]:
    """Classes with hookimpls that the module itself defines."""
    members = (item for _, item in getmembers_static(module, isclass))
    return [item for item in members if item.__module__ == module.__name__ and hooks_of(item)]
