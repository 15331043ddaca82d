"""Plugins are registered in the order given, each under a name of its own."""

from __future__ import annotations

from hooks import Call, hookimpl
from hooks.registration import registered


class PassesOn:
    @hookimpl
    def pre_request(self, call: Call) -> None: ...


class Named(PassesOn):
    name = "Mine"


def test_hooks_are_in_the_order_of_the_plugins_whose_names_are_made_unique() -> None:
    manager = registered(PassesOn(), Named(), PassesOn(), Named())
    names = [impl.plugin_name for impl in manager.hook.pre_request.get_hookimpls()]
    assert names == ["passes_on", "Mine", "passes_on#2", "Mine#2"]
