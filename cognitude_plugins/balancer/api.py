"""``/routing``: what experiments have come to, and scores that an application gives its users' answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hooks import Caller, operation
from hooks.endpoint import answer, answering, body_as, query_as, refused

from .assembly import Trial
from .bodies import ArmBody, ExperimentBody, Experiments, Metric, NewScore, Nothing, Scored
from .results import ArmSums, Compared, compared

_TAG: Final = "Routing"


class Desk(Protocol):
    """What the endpoints need of the balancer."""

    @property
    def trials(self) -> Sequence[Trial]: ...

    async def sums(self, organization: str) -> Mapping[tuple[str, str], ArmSums]: ...

    def score(self, caller: Caller, experiment: str, user: str | None, score: float) -> str | None:
        """The user's arm; None if there is no such experiment."""
        ...


def routes(desk: Desk) -> list[BaseRoute]:
    api = _Api(desk=desk)
    return [
        Route("/routing/experiments", api.experiments(), methods=["GET"]),
        Route("/routing/scores", api.scores(), methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    desk: Desk

    def experiments(self) -> Any:
        @operation(
            "Show what each experiment has come to for an organization",
            access="organization",
            tag=_TAG,
            request=Nothing,
            responses={200: Experiments},
        )
        @answering
        async def show_experiments(request: Request) -> Response:
            query_as(request, Nothing)
            organization = _caller(request).organization
            sums = await self.desk.sums(organization)
            found = [_shown(trial, sums) for trial in self.desk.trials]
            return answer(Experiments(organization=organization, experiments=found))

        return show_experiments

    def scores(self) -> Any:
        @operation(
            "Score what a user of an experiment was answered",
            access="member",
            tag=_TAG,
            request=NewScore,
            responses={200: Scored, 404: None, 408: None},
        )
        @answering
        async def add_score(request: Request) -> Response:
            query_as(request, Nothing)
            new = await body_as(request, NewScore)
            arm = self.desk.score(_caller(request), new.experiment, new.user, new.score)
            if arm is None:
                message = f"There is no experiment {new.experiment!r}."
                raise refused(message, param="experiment", status=404, code="not_found")
            return answer(Scored(experiment=new.experiment, arm=arm))

        return add_score


def _shown(trial: Trial, sums: Mapping[tuple[str, str], ArmSums]) -> ExperimentBody:
    settings = trial.settings
    control = settings.control or settings.arms[0].name
    weights = {arm.name: arm.weight for arm in settings.arms}
    own = {arm: sums[settings.name, arm] for arm in weights if (settings.name, arm) in sums}
    arms = [
        ArmBody(
            arm=one.arm,
            weight=weights[one.arm],
            users=one.users,
            calls=one.calls,
            errors=one.errors,
            **{name: _metric(found) for name, found in one.metrics.items()},
        )
        for one in compared(tuple(weights), control, own)
    ]
    return ExperimentBody(name=settings.name, by=settings.by, control=control, arms=arms)


def _metric(found: Compared) -> Metric:
    low = None if found.interval is None else found.interval.low
    high = None if found.interval is None else found.interval.high
    return Metric(mean=found.mean, difference=found.difference, low=low, high=high)


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller
