"""Plugins under a pluggy manager that knows the specification."""

from __future__ import annotations

import inspect
import re

import pluggy

from . import spec
from .errors import PluginError


def registered(*plugins: object) -> pluggy.PluginManager:
    """The plugins under a manager with the hook specification, in this order; `PluginError` for a misspelt hook."""
    manager = pluggy.PluginManager(spec.PROJECT)
    manager.add_hookspecs(spec)
    try:
        for plugin in plugins:
            if inspect.isclass(plugin):
                raise PluginError(f"{plugin.__name__} is a class; give an instance of it")
            manager.register(plugin, _name(plugin, manager))
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(str(error)) from error
    for hook in (*spec.STAGES, *spec.CONTRIBUTIONS):
        for impl in getattr(manager.hook, hook).get_hookimpls():
            if impl.tryfirst or impl.trylast or impl.wrapper or impl.hookwrapper:
                raise PluginError(
                    f"{impl.plugin_name}: {hook}: the order is that of plugins.yaml; no tryfirst, wrapper, …"
                )
    return manager


def _name(plugin: object, manager: pluggy.PluginManager) -> str:
    base = getattr(plugin, "name", None)
    if not isinstance(base, str):
        given = plugin.__name__.rpartition(".")[2] if inspect.ismodule(plugin) else type(plugin).__name__
        base = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", given).lower()
    name = base
    count = 1
    while manager.has_plugin(name):
        count += 1
        name = f"{base}#{count}"
    return name
