"""A plugin that has every hook of a call and does nothing: what a plugin costs before it does anything."""

from __future__ import annotations

from hooks import Call, Plan, Reply, hookimpl


class Noop:
    @hookimpl
    async def pre_request(self, call: Call) -> None:
        return None

    @hookimpl
    async def route(self, call: Call, plan: Plan) -> None:
        return None

    @hookimpl
    async def post_response(self, call: Call, reply: Reply) -> None:
        return None
