"""A forecast in a terminal of 80 columns."""

from __future__ import annotations

from cognitude_plugins.analytics.forecast.bodies import answered
from cognitude_plugins.analytics.forecast.calibration import shipped
from cognitude_plugins.analytics.forecast.forecast import Asked, forecast
from cognitude_plugins.analytics.forecast.view import forecast_lines

from ..made import ONE_UNIT, USD, spending, week


def lines(days: int, asked: Asked, *, dollars: float = 1) -> list[str]:
    spent = spending([one * dollars for one in week(days)], today=3.5 * dollars)
    found = forecast(spent, ONE_UNIT, asked)
    shown = list(forecast_lines(answered("acme", "Europe/Berlin", spent, asked, found).model_dump(mode="json")))
    assert max(map(len, shown)) <= 80
    return [line.rstrip() for line in shown]


def test_it_looks_like_this() -> None:
    found = lines(49, Asked(level=0.8, days=6, budget=130 * USD, period="month"))
    assert found == SNAPSHOT.splitlines()


def test_large_sums_fit_too() -> None:
    assert any("," in line for line in lines(49, Asked(level=0.95, days=90), dollars=10_000))
    small = lines(49, Asked(level=0.925, days=1), dollars=0.00001)
    assert small[2].split()[4:6] == ["92.5", "%"]


def test_without_a_forecast_it_says_why() -> None:
    found = lines(2, Asked(level=0.8, days=6, budget=10**12))
    assert found[2].startswith("There is no forecast yet. 2 whole days")
    assert "is not used up yet." in " ".join(found)


def test_each_end_of_a_budget_has_a_sentence() -> None:
    said = [" ".join(lines(49, Asked(level=0.8, days=1, budget=round(one * USD)))) for one in (50, 210, 250, 2000)]
    words = ("was used up on", "at the earliest", "may run out from", "lasts: also")
    assert all(word in text for word, text in zip(words, said, strict=True))


def test_the_shipped_table_makes_one_too() -> None:
    asked, spent = Asked(level=0.8, days=1), spending(week(5), today=1)
    found = forecast(spent, shipped(), asked)
    assert list(forecast_lines(answered("acme", "UTC", spent, asked, found).model_dump(mode="json")))


SNAPSHOT = """\
Forecast of 2026-07-20 12:00 (Europe/Berlin)

USD    ENDS                 SPENT       EXPECTED    80 % BETWEEN            AND
day    2026-07-20            3.50           7.79            6.87           8.31
week   2026-07-26            3.50          52.20           47.31          56.46
month  2026-07-31          145.50         244.57          235.21         253.34
year   2026-12-31          381.51       1,671.47        1,561.70       1,781.25

DAY                  EXPECTED                                    TOTAL FROM NOW
rest of today            4.29  ███████████                                 4.29
Tue 2026-07-21          10.10  ██████████████████████████                 14.39
Wed 2026-07-22          10.07  █████████████████████████▉                 24.47
Thu 2026-07-23          10.03  █████████████████████████▉                 34.50
Fri 2026-07-24           9.99  █████████████████████████▊                 44.49
Sat 2026-07-25           2.09  █████▍                                     46.58
Sun 2026-07-26           2.13  █████▌                                     48.70

The budget of 130.00 USD for the month to 2026-07-31, of which 145.50 are spent,
was used up on 2026-07-17.

How often 80 % intervals held on your own past:
  1 day     44 of 46  96 % (likely 85 to 99 %)
  7 days      6 of 6  100 % (likely 61 to 100 %)
  30 days     1 of 1  100 % (likely 21 to 100 %)
Made of 49 days, 2026-06-01 to 2026-07-19.
"""
