"""Whether a rule can be one of an organization's: refusals for what only a running gateway knows."""

from __future__ import annotations

from hooks import EVERY_ORGANIZATION
from hooks.endpoint import refused

from .bound import Bound
from .checks import checks
from .metrics import UnknownMetric
from .settings import Rule
from .watch import Watch


def fits(watch: Watch, organization: str, rule: Rule) -> Bound:
    """The rule as one of this organization's. Raises `hooks.endpoint.Refused` where its metric or scope cannot be."""
    if rule.scope == "all" and organization != EVERY_ORGANIZATION:
        raise refused("scope: all is for rules of the gateway's own.", param="scope")
    bound = Bound(id="", organization=organization, rule=rule)
    try:
        checks(bound, watch.gateway.metrics)
    except UnknownMetric as error:
        raise refused(f"metric: {error}.", param="metric") from None
    except ValueError as error:
        raise refused(f"{error}.", param="metric") from None
    return bound
