"""A plugin's own code, run outside any request: whatever it raises becomes a `PluginError`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

from hooks import PluginError, Unanswerable, Unavailable

T = TypeVar("T")


def foreign(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """What ``call`` returns; its failure's text is kept whole."""
    try:
        return call(*args, **kwargs)
    except (Exception, SystemExit) as error:
        raise _error(error) from None


def ask(hook: Any, name: str, *given: Any) -> Any:
    """A contribution of a plugin, its parameters given as far as it takes them. A failure names plugin and hook.

    What a generator yields is collected here, where its failures are caught too.
    """
    try:
        found = foreign(hook.function, *given[: len(hook.argnames)])
        return foreign(list, found) if isinstance(found, Iterator) else found
    except PluginError as error:
        raise PluginError(f"plugin {hook.plugin_name!r} failed in {name}: {error}") from None


class Failed(Unavailable):
    """Another plugin's code did, when it was asked for something."""

    service = "plugin"


def answer(plugin: str, what: str, call: Callable[..., T], *args: Any) -> T:
    """What ``call`` returns. What it raises that is not `Unavailable` or `Unanswerable` becomes `Failed`."""
    try:
        return call(*args)
    except (Unavailable, Unanswerable):
        raise
    except Exception as error:
        raise _failed(plugin, what, error) from error


async def answer_later(plugin: str, what: str, call: Callable[..., Awaitable[T]], *args: Any) -> T:
    """The same of a coroutine."""
    try:
        return await call(*args)
    except (Unavailable, Unanswerable):
        raise
    except Exception as error:
        raise _failed(plugin, what, error) from error


async def enter(hook: Any, stack: AsyncExitStack, context: AbstractAsyncContextManager[None]) -> None:
    """Enter a plugin's lifespan."""
    try:
        await stack.enter_async_context(context)
    except (Exception, SystemExit) as error:
        raise PluginError(f"plugin {hook.plugin_name!r} did not start: {_error(error)}") from error


def _failed(plugin: str, what: str, error: Exception) -> Failed:
    return Failed(f"plugin {plugin!r} failed in {what}: {type(error).__name__}")


def _error(error: BaseException) -> PluginError:
    text = str(error).strip()
    return PluginError(f"{type(error).__name__}: {text}" if text else type(error).__name__)
