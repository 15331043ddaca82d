"""``POST /alerts/check``: what the rules of an organization say now, and what would be told of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import EVERY_ORGANIZATION, operation
from hooks.endpoint import answer, answering, body_as, query_as, refused

from ..channels.api import organization_of
from ..channels.bodies import Nothing
from ..lifecycle.telling import Notice
from . import wording
from .bodies import CheckAnswer, Checked, CheckRequest, NoticeBody
from .bound import Bound
from .checks import Check, Finding, checks
from .evaluation import SERIES, full_minute, observations
from .fitting import fits
from .watch import Watch


def check_route(watch: Watch, tag: str) -> BaseRoute:
    @operation(
        "Look at the rules now: their values, which are broken, what is or would be told",
        access="organization_admin",
        across=True,
        tag=tag,
        request=CheckRequest,
        responses={200: CheckAnswer, 404: None, 408: None},
    )
    @answering
    async def check_rules(request: Request) -> Response:
        query_as(request, Nothing)
        organization, wanted = organization_of(request), await body_as(request, CheckRequest)
        if wanted.rule is not None and (wanted.rules is not None or wanted.apply):
            raise refused("rule: one that is not saved is looked at alone, and not applied.", param="rule")
        await watch.rulebook.refresh()
        return answer(await _answer(watch, organization, wanted, full_minute(watch.now())))

    return Route("/alerts/check", check_rules, methods=["POST"])


async def _answer(watch: Watch, organization: str, wanted: CheckRequest, due: datetime) -> CheckAnswer:
    whose = watch.gateway.organizations() if organization == EVERY_ORGANIZATION else (organization,)
    ready = _ready(watch, _bound(watch, organization, wanted))
    found = await watch.evaluation.findings(ready, due, whose)
    standing = (await watch.lifecycle.look(SERIES, due)).standing
    seen = list(observations(found, standing))
    notices = await watch.lifecycle.preview(seen, due, series=SERIES)
    applied = wanted.apply and await watch.lifecycle.observe(seen, due, series=SERIES, advance=False)
    return CheckAnswer(
        at=due.isoformat().replace("+00:00", "Z"),
        applied=applied,
        data=[_checked(one, notices) for one in found],
    )


def _bound(watch: Watch, organization: str, wanted: CheckRequest) -> Sequence[Bound]:
    if wanted.rule is not None:
        return (fits(watch, organization, wanted.rule),)
    watching = watch.rulebook.watching(organization)
    if wanted.rules is None:
        return [one for one in watching if one.rule.enabled]
    by_id = {one.id: one for one in watching}
    for id in wanted.rules:
        if id not in by_id:
            raise refused(f"There is no rule {id[:80]!r}.", param="rules", status=404, code="not_found")
    return [by_id[id] for id in dict.fromkeys(wanted.rules)]


def _ready(watch: Watch, rules: Sequence[Bound]) -> list[Check]:
    """Without those whose metric has gone with another plugin: their own body says so."""
    found: list[Check] = []
    for bound in rules:
        try:
            found += checks(bound, watch.gateway.metrics)
        except ValueError:
            continue
    return found


def _checked(one: Finding, notices: Sequence[Notice]) -> Checked:
    tells: list[Any] = [
        NoticeBody(channel=notice.target.name, kind=notice.kind, title=alert.title)
        for notice in notices
        for alert in notice.alerts
        if alert.key == one.key
    ]
    return Checked(
        rule=one.check.bound.id or None,
        name=one.check.bound.rule.name,
        organization=one.organization,
        subject=one.check.subject,
        value=one.verdict.value,
        threshold=one.check.threshold,
        broken=one.verdict.broken,
        title=wording.title(one.check, one.verdict.value),
        problem=one.failure or None,
        tells=tells,
    )
