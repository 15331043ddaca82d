"""Read-only JSON values."""

from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import freeze, thaw

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
DICT_CALLS: dict[str, Any] = {
    "__setitem__": ("a", 1),
    "__delitem__": ("a",),
    "__ior__": ({},),
    "clear": (),
    "pop": ("a",),
    "popitem": (),
    "setdefault": ("b", 1),
    "update": ({"b": 1},),
}
LIST_CALLS: dict[str, Any] = {
    "__setitem__": (0, 1),
    "__delitem__": (0,),
    "__iadd__": ([1],),
    "__imul__": (2,),
    "append": (1,),
    "clear": (),
    "extend": ([1],),
    "insert": (0, 1),
    "pop": (),
    "remove": (1,),
    "reverse": (),
    "sort": (),
}


@pytest.mark.parametrize("name", sorted(DICT_CALLS))
def test_every_mutator_of_an_object_is_refused(name: str) -> None:
    frozen = freeze({"a": [1]})
    with pytest.raises(TypeError, match="this object is read-only: hand on a changed copy"):
        getattr(frozen, name)(*DICT_CALLS[name])
    assert frozen == {"a": [1]}


@pytest.mark.parametrize("name", sorted(LIST_CALLS))
def test_every_mutator_of_an_array_is_refused(name: str) -> None:
    frozen = freeze([1, {"a": 1}])
    with pytest.raises(TypeError, match="this array is read-only: hand on a changed copy"):
        getattr(frozen, name)(*LIST_CALLS[name])
    assert frozen == [1, {"a": 1}]


def test_the_lists_of_mutators_above_are_complete() -> None:
    assert added(MutableMapping, Mapping) | {"__ior__"} == set(DICT_CALLS)
    assert added(MutableSequence, Sequence) | {"__imul__", "sort"} == set(LIST_CALLS)


def added(mutable: type, immutable: type) -> set[str]:
    return {name for name in set(dir(mutable)) - set(dir(immutable)) if not name.startswith("_Mutable")}


def test_merging_in_place_is_refused_and_merging_into_a_new_dict_is_plain() -> None:
    frozen = freeze({"a": 1})
    with pytest.raises(TypeError):
        frozen |= {"b": 2}
    merged = frozen | {"b": 2}
    merged["c"] = 3
    assert merged == {"a": 1, "b": 2, "c": 3}
    assert frozen == {"a": 1}


def test_what_lies_inside_is_read_only_too() -> None:
    frozen = freeze({"messages": [{"content": [{"text": "x"}]}]})
    with pytest.raises(TypeError):
        frozen["messages"][0]["content"][0]["text"] = "y"


def test_subclasses_of_dict_and_tuples_are_frozen_as_well() -> None:
    frozen = freeze({"a": OrderedDict(b=[1]), "t": ({"x": 1},)})
    with pytest.raises(TypeError):
        frozen["a"]["b"].append(2)
    with pytest.raises(TypeError):
        frozen["t"][0]["x"] = 2


def test_what_was_frozen_does_not_change_with_what_it_was_made_of() -> None:
    source = {"a": [1]}
    frozen = freeze(source)
    source["a"].append(2)
    assert frozen == {"a": [1]}


def test_freezing_twice_copies_once() -> None:
    frozen = freeze({"a": [1]})
    assert freeze(frozen) is frozen
    assert freeze({"b": frozen})["b"] is frozen


@given(JSON)
def test_frozen_values_are_equal_to_plain_ones_and_serialise_alike(value: Any) -> None:
    frozen = freeze(value)
    assert frozen == value
    assert json.dumps(frozen) == json.dumps(value)
    assert orjson.dumps(frozen) == orjson.dumps(value)
    assert pickle.loads(pickle.dumps(frozen)) == value
    assert thaw(frozen) == value


@given(JSON)
def test_a_thawed_or_deeply_copied_value_is_plain_all_the_way_down(value: Any) -> None:
    for plain in (thaw(freeze(value)), copy.deepcopy(freeze(value))):
        assert plain == value
        assert kinds(plain) <= {dict, list, str, int, float, bool, type(None)}


def test_a_pickled_value_comes_back_read_only() -> None:
    back = pickle.loads(pickle.dumps(freeze({"a": [1]})))
    with pytest.raises(TypeError):
        back["a"].append(2)


def kinds(value: Any) -> set[type]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*(kinds(item) for item in inner))
