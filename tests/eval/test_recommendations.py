"""The evaluation of recommendations, in its short form, and the table that is in the docs."""

from __future__ import annotations

from tests.eval.recommendations import BEGIN, CALLS, END, PAGE, scores, table


async def test_of_a_few_mixtures_everything_is_found_and_nothing_else() -> None:
    found = await scores(4, seed=0)
    assert {kind: (score.missed, score.false) for kind, score in found.items()} == dict.fromkeys(CALLS, (0, 0))
    assert sum(score.found for score in found.values()) >= 4
    assert all(
        abs(error) < (0.1 if kind == "smart_routing" else 0.05) for kind in CALLS for error in found[kind].errors
    )


def test_the_page_has_the_table_of_the_evaluation() -> None:
    shown = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    made = table({}).splitlines()
    assert shown[:2] == made
    assert [line.split("`")[1] for line in shown[2:]] == list(CALLS)
