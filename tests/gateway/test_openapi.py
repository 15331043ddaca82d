from __future__ import annotations

from typing import Annotated, Any, Literal

import jsonschema  # type: ignore[import-untyped]
import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel, Field, create_model

from cognitude_plugins.gateway import schemas
from cognitude_plugins.gateway.endpoints import APIS
from cognitude_plugins.gateway.openapi import API_OPERATIONS, document
from cognitude_plugins.gateway.validate import CallLimits, check_call
from hooks import Operation, Reply
from hooks.operation import Access


class Item(BaseModel):
    name: str
    parts: list[Item] = []


class Report(BaseModel):
    items: list[Item]


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Pets(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


def described(access: Access = "organization", **fields: Any) -> Operation:
    return Operation(summary="Something", access=access, **fields)


def made(*operations: tuple[str, str, Operation]) -> dict[str, Any]:
    """A document that has been validated."""
    document_ = document(operations, version="1.2.3")
    validate(document_)
    return document_


def resolved(document_: dict[str, Any], reference: str) -> Any:
    found: Any = document_
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def schema_at(document_: dict[str, Any], path: str, method: str, status: str = "200") -> Any:
    response = document_["paths"][path][method]["responses"][status]
    if "$ref" in response:
        response = resolved(document_, response["$ref"])
    return response["content"]["application/json"]["schema"]


def accepts(document_: dict[str, Any], schema: Any, value: Any) -> bool:
    whole = {**schema, "components": document_["components"]}
    return bool(jsonschema.Draft202012Validator(whole).is_valid(value))


def test_the_document_of_the_model_calls_is_valid() -> None:
    calls = made(*((path, method, operation) for path, (method, operation) in API_OPERATIONS.items()))
    assert calls["info"]["version"] == "1.2.3"
    assert sorted(calls["paths"]) == ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"]


def test_every_model_call_that_is_routed_is_documented() -> None:
    assert API_OPERATIONS.keys() == APIS.keys()


def test_a_model_call_is_answered_whole_or_as_events() -> None:
    path = "/v1/chat/completions"
    answers = made((path, *API_OPERATIONS[path]))["paths"][path]["post"]["responses"]["200"]["content"]
    assert answers["application/json"]["schema"] == {"$ref": "#/components/schemas/ChatAnswer"}
    data = answers["text/event-stream"]["schema"]["properties"]["data"]["anyOf"]
    assert data[0]["contentSchema"]["anyOf"][0] == {"$ref": "#/components/schemas/ChatCompletionChunk"}
    assert data[1] == {"const": "[DONE]"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user"}]}),
        ("/v1/chat/completions", {"model": "", "messages": [{"role": "user"}]}),
        ("/v1/chat/completions", {"model": 1, "messages": [{"role": "user"}]}),
        ("/v1/chat/completions", {"model": "sim"}),
        ("/v1/chat/completions", {"model": "sim", "messages": {}}),
        ("/v1/chat/completions", {"model": "sim", "messages": [{"role": "user"}] * 4097}),
        ("/v1/chat/completions", {"model": "sim", "messages": [{"role": "user"}], "stream": "yes"}),
        ("/v1/chat/completions", {"model": "sim", "messages": [{"role": "user"}], "n": 9}),
        ("/v1/chat/completions", {"model": "sim", "messages": [{"role": "user"}], "n": 0}),
        ("/v1/completions", {"model": "sim"}),
        ("/v1/completions", {"model": "sim", "prompt": None}),
        ("/v1/embeddings", {"model": "sim", "input": None}),
    ],
)
def test_what_the_gateway_refuses_the_schema_refuses_too(path: str, body: dict[str, Any]) -> None:
    from cognitude_plugins.gateway.request_body import Refused

    with pytest.raises(Refused):
        check_call(APIS[path], body, CallLimits())
    document_ = made((path, *API_OPERATIONS[path]))
    schema = document_["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert not accepts(document_, schema, body)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": "sim", "messages": [{"role": "user"}] * 4096, "n": 8, "stream": None}),
        ("/v1/chat/completions", {"model": "m", "messages": [{"role": "x", "new": 1}], "temperature": "hot", "new": 1}),
        ("/v1/completions", {"model": "sim", "prompt": [[1, 2], [3]]}),
        ("/v1/embeddings", {"model": "sim", "input": ["a", "b"], "encoding_format": "base64"}),
    ],
)
def test_what_the_schema_accepts_the_gateway_accepts_too(path: str, body: dict[str, Any]) -> None:
    document_ = made((path, *API_OPERATIONS[path]))
    schema = document_["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert accepts(document_, schema, body)
    check_call(APIS[path], body, CallLimits())


def test_an_error_of_the_gateway_is_what_the_document_says() -> None:
    document_ = made(("/report", "GET", described()))
    schema = schema_at(document_, "/report", "get", "401")
    assert accepts(document_, schema, dict(Reply.error(401, "No.").payload.peek()))  # type: ignore[union-attr]
    assert not accepts(document_, schema, {"detail": "No."})


def test_a_plugins_pydantic_model_and_its_definitions_become_components() -> None:
    document_ = made(("/report", "GET", described(responses={200: Report})))
    assert schema_at(document_, "/report", "get") == {"$ref": "#/components/schemas/Report"}
    assert {"Report", "Item"} <= document_["components"]["schemas"].keys()
    assert "$defs" not in str(document_)
    assert accepts(document_, {"$ref": "#/components/schemas/Report"}, {"items": [{"name": "a", "parts": []}]})
    assert not accepts(document_, {"$ref": "#/components/schemas/Report"}, {"items": [{"parts": [{}]}]})


def test_a_plugins_json_schema_becomes_a_component_by_its_title() -> None:
    schema = {
        "title": "Usage of a day",
        "type": "object",
        "properties": {"day": {"$ref": "#/$defs/day"}, "inner": {"$ref": "#"}, "again": {"$ref": "#/properties/day"}},
        "required": ["day"],
        "$defs": {"day": {"type": "string", "format": "date"}, "never used": {}},
    }
    document_ = made(("/usage", "POST", described(request=schema, responses={201: schema})))
    assert document_["components"]["schemas"]["Usage_of_a_day"]["properties"] == {
        "day": {"$ref": "#/components/schemas/day"},
        "inner": {"$ref": "#/components/schemas/Usage_of_a_day"},
        "again": {"$ref": "#/components/schemas/Usage_of_a_day/properties/day"},
    }
    assert accepts(document_, {"$ref": "#/components/schemas/Usage_of_a_day"}, {"day": "x", "inner": {"day": "y"}})
    assert not accepts(document_, {"$ref": "#/components/schemas/Usage_of_a_day"}, {"inner": {}, "day": "x"})
    assert "$defs" in schema


def test_a_json_schema_without_a_title_stays_where_it_is() -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/row"}, "$defs": {"row": {"type": "integer"}}}
    document_ = made(("/rows", "GET", described(responses={200: schema})))
    assert schema_at(document_, "/rows", "get") == {"type": "array", "items": {"$ref": "#/components/schemas/row"}}


def test_two_different_models_of_one_name_are_kept_apart_with_what_they_refer_to() -> None:
    item = create_model("Item", price=(int, ...))
    report = create_model("Report", items=(list[item], ...))  # type: ignore[valid-type]
    document_ = made(
        ("/a", "GET", described(responses={200: Report})),
        ("/b", "GET", described(responses={200: report})),
        ("/c", "GET", described(responses={200: Report})),
    )
    names = {path: schema_at(document_, path, "get")["$ref"].rpartition("/")[2] for path in ("/a", "/b", "/c")}
    assert names == {"/a": "Report", "/b": "Report2", "/c": "Report"}
    assert accepts(document_, schema_at(document_, "/b", "get"), {"items": [{"price": 1}]})
    assert not accepts(document_, schema_at(document_, "/a", "get"), {"items": [{"price": 1}]})


def test_a_model_is_written_once_however_often_it_is_used() -> None:
    operations = [(f"/{index}", "POST", described(request=Report, responses={200: Report})) for index in range(3)]
    assert sorted(made(*operations)["components"]["schemas"]) == ["Error", "ErrorDetail", "Item", "Report"]


def test_the_mapping_of_a_discriminator_leads_to_the_components() -> None:
    document_ = made(("/pets", "GET", described(responses={200: Pets})))
    pet = document_["components"]["schemas"]["Pets"]["properties"]["pet"]
    assert pet["discriminator"]["mapping"] == {
        "cat": "#/components/schemas/Cat",
        "dog": "#/components/schemas/Dog",
    }


def test_what_looks_like_a_reference_in_data_is_left_alone() -> None:
    schema = {"title": "A", "examples": [{"$ref": "#/nowhere"}], "properties": {"default": {"$ref": "#"}}}
    written = made(("/a", "GET", described(responses={200: schema})))["components"]["schemas"]["A"]
    assert written["examples"] == [{"$ref": "#/nowhere"}]
    assert written["properties"]["default"] == {"$ref": "#/components/schemas/A"}


def test_a_reference_that_leads_nowhere_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Broken: the reference '#x' leads nowhere"):
        made(("/a", "GET", described(responses={200: {"title": "Broken", "items": {"$ref": "#x"}}})))


def test_path_parameters_are_written_as_openapi_has_them() -> None:
    path = "/keys/{key:int}/models/{id:path}/{name}"
    document_ = made((path, "GET", described()))
    operation = document_["paths"]["/keys/{key}/models/{id}/{name}"]["get"]
    assert [(one["name"], one["in"], one["schema"]["type"]) for one in operation["parameters"]] == [
        ("key", "path", "integer"),
        ("id", "path", "string"),
        ("name", "path", "string"),
        ("organization", "query", "string"),
    ]
    assert [one["required"] for one in operation["parameters"]] == [True, True, True, False]
    assert "404" in operation["responses"]


def test_the_request_of_a_get_is_its_query() -> None:
    query = create_model("Query", since=(str, Field(description="A day.")), group=(str, "model"))
    operation = made(("/costs", "GET", described(request=query)))["paths"]["/costs"]["get"]
    assert "requestBody" not in operation
    assert [(one["name"], one["in"], one["required"]) for one in operation["parameters"]] == [
        ("since", "query", True),
        ("group", "query", False),
        ("organization", "query", False),
    ]
    assert operation["parameters"][0]["description"] == "A day."


@pytest.mark.parametrize(
    ("access", "errors", "keys"),
    [
        ("public", ["500"], 0),
        ("organization", ["400", "401", "404", "431", "500", "503"], 3),
        ("member", ["400", "401", "403", "404", "431", "500", "503"], 3),
        ("organization_admin", ["400", "401", "403", "404", "431", "500", "503"], 3),
        ("admin", ["400", "401", "403", "431", "500", "503"], 3),
    ],
)
def test_access_decides_the_keys_and_the_errors(access: Access, errors: list[str], keys: int) -> None:
    operation = made(("/a", "GET", described(access)))["paths"]["/a"]["get"]
    assert [status for status in operation["responses"] if status >= "4"] == errors
    assert operation["x-cognitude-access"] == access
    assert len(operation["security"]) == keys


def test_an_operations_own_description_of_an_error_wins() -> None:
    own = described("public", responses={200: None, 500: Report, 409: schemas.Error, 410: None})
    document_ = made(("/a", "GET", own))
    assert schema_at(document_, "/a", "get", "500") == {"$ref": "#/components/schemas/Report"}
    for status in ("409", "410"):
        assert schema_at(document_, "/a", "get", status) == {"$ref": "#/components/schemas/Error"}
    assert "content" not in document_["paths"]["/a"]["get"]["responses"]["200"]


def test_a_response_may_have_a_body_of_another_media_type() -> None:
    document_ = made(("/export", "GET", described(responses={200: {"text/csv": {"type": "string"}}})))
    content = document_["paths"]["/export"]["get"]["responses"]["200"]["content"]
    assert content == {"text/csv": {"schema": {"type": "string"}}}


def test_every_answer_has_the_request_id() -> None:
    document_ = made(("/a", "GET", described()))
    for response in document_["paths"]["/a"]["get"]["responses"].values():
        found = resolved(document_, response["$ref"]) if "$ref" in response else response
        assert "x-request-id" in found["headers"]


def test_of_two_operations_on_one_path_and_method_the_first_stands() -> None:
    document_ = made(
        ("/a/{id:int}", "GET", described("public")),
        ("/a/{id}", "GET", described("admin")),
        ("/a/{id}", "DELETE", described("admin")),
    )
    item = document_["paths"]["/a/{id}"]
    assert {method: one["x-cognitude-access"] for method, one in item.items()} == {"get": "public", "delete": "admin"}


def test_operation_ids_are_unique_also_where_paths_differ_by_punctuation_only() -> None:
    document_ = made(("/a/b", "GET", described()), ("/a-b", "GET", described()))
    assert [item["get"]["operationId"] for item in document_["paths"].values()] == ["get_a_b", "get_a_b_2"]


def test_tags_are_listed_once_in_the_order_of_coming() -> None:
    operations = [(f"/{tag}{index}", "GET", described(tag=tag)) for index in range(2) for tag in ("z", "a")]
    assert made(*operations)["tags"] == [{"name": "z"}, {"name": "a"}]


def test_a_method_that_openapi_does_not_know_is_left_out() -> None:
    assert made(("/a", "PROPFIND", described()), ("/b", "GET", described()))["paths"].keys() == {"/b"}
