"""Placeholders back into values."""

from __future__ import annotations

import json

from cognitude_plugins.redact.restore import Restorer, Tail

VALUES = {"[EMAIL_1]": "ada@example.com", "[KEY_1]": '-"a\\b"\n-'}


def test_only_known_placeholders_are_restored() -> None:
    restorer = Restorer(VALUES)
    assert restorer.text("[EMAIL_1], [EMAIL_2], [EMAIL_1") == "ada@example.com, [EMAIL_2], [EMAIL_1"
    assert restorer.text("[[EMAIL_1]](mailto:[EMAIL_1])") == "[ada@example.com](mailto:ada@example.com)"


def test_a_whole_answer_is_restored_everywhere_but_in_log_probabilities() -> None:
    call = {"id": "1", "function": {"name": "f", "arguments": '{"k": "[KEY_1]"}'}}
    message = {"content": "[KEY_1]", "refusal": "[EMAIL_1]", "tool_calls": [call], "function_call": call["function"]}
    probabilities = {"content": [{"token": "[EMAIL_1]"}]}
    body = {"choices": [{"message": message, "text": "[EMAIL_1]", "logprobs": probabilities}]}
    choice = Restorer(VALUES).body(body)["choices"][0]
    assert choice["message"]["content"] == VALUES["[KEY_1]"]
    assert choice["message"]["refusal"] == choice["text"] == "ada@example.com"
    for function in (choice["message"]["tool_calls"][0]["function"], choice["message"]["function_call"]):
        assert json.loads(function["arguments"]) == {"k": VALUES["[KEY_1]"]}
    assert choice["logprobs"] == probabilities


def test_an_answer_that_was_asked_to_be_json_stays_json() -> None:
    body = {"choices": [{"message": {"content": '{"k": "[KEY_1]"}'}}]}
    restored = Restorer(VALUES, json_answer=True).body(body)
    assert json.loads(restored["choices"][0]["message"]["content"]) == {"k": VALUES["[KEY_1]"]}


def test_an_answer_without_placeholders_is_left_alone() -> None:
    assert Restorer(VALUES).change({"choices": [{"message": {"content": "[EMAIL_9] []"}}]}) is None


def test_only_what_may_be_the_beginning_of_a_placeholder_is_held_back() -> None:
    tail = Tail(Restorer(VALUES))
    assert tail.feed("To [EM") == "To "
    assert tail.feed("AIL_1") == ""
    assert tail.feed("] and [EMA") == "ada@example.com and "
    assert tail.feed("CS] [X") == "[EMACS] [X"
    assert tail.feed(" [") == " "
    assert tail.flush() == "["
    assert tail.flush() == ""
