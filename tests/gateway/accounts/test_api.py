"""The admin API: who may see and change what, that nobody gives away more than he has, that a secret is told once."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import httpx

from cognitude_plugins.gateway.accounts import keys
from cognitude_plugins.gateway.accounts.actor import OPERATOR
from cognitude_plugins.gateway.accounts.api import AccountsApi
from cognitude_plugins.gateway.accounts.tokens import parse
from cognitude_plugins.gateway.openapi import document
from cognitude_plugins.gateway.routes import operations
from cognitude_plugins.gateway.storage.database import Storage
from cognitude_plugins.gateway.storage.migrations import upgrade
from tests.databases import Postgres
from tests.gateway.accounts.office import NOON, Office, id_of, statements
from tests.gateway.accounts.test_directory import hostile

SOON, LATER = "2027-06-01T00:00:00Z", "2028-01-01T00:00:00Z"
SOON_MS = 1_811_808_000_000


async def send(office: Office, token: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """The answer's JSON, which must have this status."""
    await office.directory.refresh()
    async with office.client(token) as client:
        answer = await client.request(method, path, json=body)
    assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


async def test_a_gateway_admin_makes_an_organization_and_its_admin_runs_it(office: Office) -> None:
    root = office.key(None)
    made = await send(office, root, "POST", "/admin/organizations", {"name": "Acme & Sons"}, 201)
    assert made == {
        "object": "organization",
        "id": "acme-sons",
        "name": "Acme & Sons",
        "status": "active",
        "time_zone": "UTC",
        "created_at": "2027-01-15T08:00:00.000Z",
    }
    body = {"organization": "acme-sons", "role": "admin", "label": "boss"}
    boss = (await send(office, root, "POST", "/admin/keys", body, 201))["secret"]

    user = await send(office, boss, "POST", "/admin/users", {"name": "ada", "role": "member"}, 201)
    assert user["organization"] == "acme-sons"
    wanted = {
        "user": "ada",
        "role": "member",
        "label": "laptop",
        "labels": {"team": "search"},
        "models": ["gpt-*"],
        "expires_at": SOON,
    }
    key = await send(office, boss, "POST", "/admin/keys", wanted, 201)
    token = key.pop("secret")
    assert office.knows(token), "at once in this process"
    assert key == {
        "object": "key",
        "id": id_of(token),
        "kind": "organization",
        "organization": "acme-sons",
        "role": "member",
        "user": "ada",
        "label": "laptop",
        "labels": {"team": "search"},
        "models": ["gpt-*"],
        "status": "active",
        "created_at": "2027-01-15T08:00:00.000Z",
        "expires_at": "2027-06-01T00:00:00.000Z",
        "revoked_at": None,
        "last_used_at": None,
        "previous_secret_until": None,
    }
    assert await send(office, boss, "GET", f"/admin/keys/{key['id']}") == key
    listed = await send(office, boss, "GET", "/admin/keys")
    assert key in listed["data"]
    assert listed["has_more"] is False
    assert token not in json.dumps(listed)

    changed = await send(office, boss, "PATCH", f"/admin/keys/{key['id']}", {"label": "", "models": None})
    assert (changed["label"], changed["models"], changed["labels"]) == ("", None, {"team": "search"})
    rotated = await send(office, boss, "POST", f"/admin/keys/{key['id']}/rotate", {"overlap_seconds": 60})
    assert rotated["previous_secret_until"] == "2027-01-15T08:01:00.000Z"
    assert office.knows(token)
    assert office.knows(rotated["secret"])
    for _ in range(2):
        revoked = await send(office, boss, "DELETE", f"/admin/keys/{key['id']}")
        assert (revoked["status"], revoked["revoked_at"]) == ("revoked", "2027-01-15T08:00:00.000Z")
        assert not office.knows(token)
        assert not office.knows(rotated["secret"])
        office.now = NOON + 5

    for _ in range(2):
        disabled = await send(office, root, "DELETE", "/admin/organizations/acme-sons")
        assert disabled["status"] == "disabled"
        assert not office.knows(boss)


async def test_a_secret_is_in_the_answer_that_makes_it_and_in_no_cache(office: Office) -> None:
    office.organization()
    boss = office.key(role="admin")
    await office.directory.load()
    async with office.client(boss) as client:
        made = await client.post("/admin/keys", json={})
        id = made.json()["id"]
        rotated = await client.post(f"/admin/keys/{id}/rotate")
        assert [made.status_code, rotated.status_code] == [201, 200]
        for answer in (made, rotated):
            assert answer.headers["cache-control"] == "no-store"
            assert parse(answer.json()["secret"].encode()) is not None
        later = [await client.get("/admin/keys"), await client.get(f"/admin/keys/{id}")]
        later += [
            await client.patch(f"/admin/keys/{id}", json={"label": "x"}),
            await client.delete(f"/admin/keys/{id}"),
        ]
    for answer in later:
        assert answer.status_code == 200
        assert '"secret":' not in answer.text
        assert "digest" not in answer.text
        assert made.json()["secret"][21:64] not in answer.text
        assert rotated.json()["secret"][21:64] not in answer.text


ROLES = ("none", "viewer", "member", "admin", "gateway_admin")


def tokens(office: Office) -> dict[str, str]:
    made = {role: office.key(role=role) for role in ("viewer", "member", "admin")}
    return {**made, "gateway_admin": office.key(None), "none": ""}


OPERATIONS = (
    ("POST", "/admin/organizations", {"name": "New"}, (401, 403, 403, 403, 201)),
    ("GET", "/admin/organizations", None, (401, 403, 403, 403, 200)),
    ("GET", "/admin/organizations/acme", None, (401, 403, 403, 200, 200)),
    ("PATCH", "/admin/organizations/acme", {"name": "Acme"}, (401, 403, 403, 403, 200)),
    ("POST", "/admin/users", {"name": "NAME", "organization": "acme"}, (401, 403, 403, 201, 201)),
    ("GET", "/admin/users", None, (401, 403, 403, 200, 200)),
    ("GET", "/admin/users/USER", None, (401, 403, 403, 200, 200)),
    ("PATCH", "/admin/users/USER", {"role": "viewer"}, (401, 403, 403, 200, 200)),
    ("DELETE", "/admin/users/USER", None, (401, 403, 403, 200, 200)),
    ("POST", "/admin/keys", {"organization": "acme"}, (401, 403, 403, 201, 201)),
    ("POST", "/admin/keys", {"kind": "gateway_admin"}, (401, 403, 403, 403, 201)),
    ("GET", "/admin/keys", None, (401, 403, 403, 200, 200)),
    ("GET", "/admin/keys/KEY", None, (401, 403, 403, 200, 200)),
    ("PATCH", "/admin/keys/KEY", {"label": "x"}, (401, 403, 403, 200, 200)),
    ("POST", "/admin/keys/KEY/rotate", {}, (401, 403, 403, 200, 200)),
    ("DELETE", "/admin/keys/KEY", None, (401, 403, 403, 200, 200)),
    ("GET", "/admin/keys/ROOT", None, (401, 403, 403, 404, 200)),
    ("PATCH", "/admin/keys/ROOT", {"label": "x"}, (401, 403, 403, 404, 200)),
    ("POST", "/admin/keys/ROOT/rotate", {}, (401, 403, 403, 404, 200)),
    ("DELETE", "/admin/keys/ROOT", None, (401, 403, 403, 404, 200)),
    ("DELETE", "/admin/organizations/acme", None, (401, 403, 403, 403, 200)),
)


async def test_who_may_do_what(office: Office) -> None:
    """S2 and S4 as a table: operation × kind of key; what is refused changes nothing."""
    office.organization()
    made = tokens(office)
    for number, (method, path, body, expected) in enumerate(OPERATIONS):
        for role, status in zip(ROLES, expected, strict=True):
            user = office.user(f"user {number} {role}")
            key, root = id_of(office.key()), id_of(office.key(None))
            place = path.replace("USER", user).replace("KEY", key).replace("ROOT", root)
            sent = None if body is None else {**body}
            if sent is not None and "name" in sent:
                sent["name"] = f"name {number} {role}"
            before = office.dump()
            await send(office, made[role], method, place, sent, status)
            if status >= 400:
                assert office.dump() == before, f"{method} {path} changed something for {role}"


def test_every_route_is_in_the_table() -> None:
    routes = AccountsApi(storage=None, directory=None, secrets=None).routes()  # type: ignore[arg-type]
    known = {(method, path) for path, method, _ in operations(routes)}
    names = {"acme": "{id:path}", "USER": "{id}", "KEY": "{id}", "ROOT": "{id}"}
    tested = {
        (method, "/".join(names.get(part, part) for part in path.split("/"))) for method, path, _, _ in OPERATIONS
    }
    assert known == tested


FIXED = {
    "/admin/organizations/acme": ("id", "created_at", "created_ms", "revision", "object"),
    "/admin/users/USER": ("id", "name", "organization", "created_at", "revision"),
    "/admin/keys/KEY": (
        "id",
        "organization",
        "kind",
        "user",
        "user_id",
        "digest",
        "pepper",
        "token",
        "secret",
        "previous_digest",
        "created_at",
        "created_ms",
        "revoked_at",
        "revoked_ms",
        "expires_ms",
        "last_used_at",
        "revision",
        "status",
    ),
}
WRITTEN = {
    "/admin/organizations": ("created_at", "status", "revision"),
    "/admin/users": ("id", "status", "created_at"),
    "/admin/keys": ("id", "digest", "pepper", "token", "secret", "created_at", "user_id", "revoked_at", "admin"),
}


async def test_what_is_not_a_writable_field_cannot_be_written(office: Office) -> None:
    """S4: role × field."""
    office.organization()
    made = tokens(office)
    user, key = office.user("ada"), id_of(office.key())
    cases = [("PATCH", path, {field: "x"}) for path, fields in FIXED.items() for field in fields]
    cases += [("POST", path, {"name": "new", field: "x"}) for path, fields in WRITTEN.items() for field in fields]
    before = office.dump()
    for method, path, body in cases:
        place = path.replace("USER", user).replace("KEY", key)
        if path == "/admin/keys":
            body.pop("name")
        for role in ("admin", "gateway_admin"):
            closed = role == "admin" and path.startswith("/admin/organizations")
            answer = await send(office, made[role], method, place, body, 403 if closed else 400)
            if not closed:
                assert answer["error"]["code"] == "unknown_field", f"{method} {path} {body}"
                assert answer["error"]["param"] in body
    assert office.dump() == before


async def test_a_key_restricted_to_models_gives_no_others(office: Office) -> None:
    office.organization()
    boss = office.key(role="admin", models=("gpt-*", "claude"))
    refused: tuple[Any, ...] = (None, ["*"], ["gpt-4o", "llama"], ["claude-*"], ["g*"])
    for models in refused:
        answer = await send(office, boss, "POST", "/admin/keys", {"models": models}, 403)
        assert answer["error"]["code"] == "wider_than_own_key"
    for models in (["gpt-*"], ["gpt-4o", "claude"], ["gpt-4*-mini"], ["gpt-**"]):
        await send(office, boss, "POST", "/admin/keys", {"models": models}, 201)


async def test_a_key_that_expires_gives_none_that_outlives_it(office: Office) -> None:
    office.organization()
    boss = office.key(role="admin", expires_ms=SOON_MS)
    for when, status in ((None, 403), (LATER, 403), ("2027-06-01T00:00:00.001Z", 403), (SOON, 201)):
        await send(office, boss, "POST", "/admin/keys", {"expires_at": when}, status)
    root = office.key(None, expires_ms=SOON_MS)
    await send(office, root, "POST", "/admin/keys", {"kind": "gateway_admin"}, 403)
    await send(office, root, "POST", "/admin/keys", {"kind": "gateway_admin", "expires_at": SOON}, 201)


WIDER = (
    ("models", None),
    ("models", ["*"]),
    ("models", ["gpt-*", "llama"]),
    ("expires_at", None),
    ("expires_at", LATER),
)


async def test_nobody_widens_his_key_nor_another_beyond_it(office: Office) -> None:
    office.organization()
    limits: dict[str, Any] = {"role": "admin", "models": ("gpt-*",), "expires_ms": SOON_MS}
    boss = office.key(**limits)
    targets = [boss, office.key(**limits), office.key(role="viewer")]
    before = office.dump()
    for of in targets:
        for field, value in WIDER:
            answer = await send(office, boss, "PATCH", f"/admin/keys/{id_of(of)}", {field: value}, 403)
            assert answer["error"]["code"] == "wider_than_own_key", f"{field}: {value}"
            assert office.dump() == before


async def test_a_restricted_key_gains_nothing_by_a_wider_one_it_can_see(office: Office) -> None:
    """It might be in the same hands: so it is neither raised nor is its secret given out; it can be cut down."""
    office.organization()
    user = office.user("ada", "viewer")
    boss = office.key(role="admin", models=("gpt-*",))
    wide, of_user = id_of(office.key(role="viewer")), office.key(role="admin", user="ada")
    await send(office, boss, "PATCH", f"/admin/keys/{wide}", {"role": "admin"}, 403)
    await send(office, boss, "POST", f"/admin/keys/{wide}/rotate", {}, 403)
    await send(office, boss, "PATCH", f"/admin/users/{user}", {"role": "admin"}, 403)
    await send(office, boss, "PATCH", f"/admin/users/{user}", {"status": "disabled"})
    await send(office, boss, "PATCH", f"/admin/users/{user}", {"status": "active"}, 403)
    await send(office, boss, "PATCH", f"/admin/keys/{wide}", {"models": ["gpt-4o"], "role": "member"})
    await send(office, boss, "POST", f"/admin/keys/{wide}/rotate", {})
    await send(office, boss, "DELETE", f"/admin/keys/{id_of(of_user)}")
    await send(office, boss, "PATCH", f"/admin/users/{user}", {"status": "active", "role": "admin"})


async def test_restrictions_count_as_they_are_when_the_change_is_made(office: Office) -> None:
    """A key narrowed elsewhere a moment ago, which this process still takes for a wider one, gives no more."""
    office.organization()
    boss = office.key(role="admin")
    await office.directory.load()
    office.storage.write_now(lambda c: keys.change(c, OPERATOR, id_of(boss), {"models": ("gpt-*",)}, office.now_ms))
    async with office.client(boss) as client:
        assert (await client.post("/admin/keys", json={})).status_code == 403


async def test_the_last_gateway_admin_key_is_not_revoked_by_accident(office: Office) -> None:
    root, other = office.key(None), office.key(None, expires_ms=round(NOON * 1000) + 1000)
    office.now = NOON + 1
    answer = await send(office, root, "DELETE", f"/admin/keys/{id_of(root)}", None, 409)
    assert answer["error"]["code"] == "last_admin_key"
    assert office.knows(root)
    await send(office, root, "DELETE", f"/admin/keys/{id_of(other)}")
    third = (await send(office, root, "POST", "/admin/keys", {"kind": "gateway_admin"}, 201))["secret"]
    await send(office, root, "DELETE", f"/admin/keys/{id_of(root)}")
    await send(office, root, "GET", "/admin/keys", None, 401)
    await send(office, third, "DELETE", f"/admin/keys/{id_of(third)}", None, 409)


async def test_two_gateway_admins_cannot_both_revoke_the_others_key(office: Office) -> None:
    for _ in range(10):
        one, other = office.key(None), office.key(None)
        await office.directory.refresh()
        async with office.client(one) as client:
            answers = await asyncio.gather(*(client.delete(f"/admin/keys/{id_of(token)}") for token in (one, other)))
        first, second = sorted(answer.status_code for answer in answers)
        assert first == 200
        assert second in (401, 409), "his own key was revoked first, or it was the last"
        for token in (one, other):
            office.revoke(token)


async def foreign(office: Office) -> list[tuple[str, str, Any]]:
    """Every operation that takes an id of something of the organization ``other``, and of what does not exist."""
    office.organization("other")
    user, key = office.user("eve", organization="other"), id_of(office.key("other"))
    rows: list[tuple[str, str, Any]] = [("GET", f"/admin/organizations/{id}", None) for id in ("other", "nowhere")]
    for id in (user, "usr_0000000000000000"):
        rows += [("GET", f"/admin/users/{id}", None), ("DELETE", f"/admin/users/{id}", None)]
        rows += [("PATCH", f"/admin/users/{id}", {"role": "admin"})]
    for id in (key, id_of(office.key(None)), "0000000000000000"):
        rows += [("GET", f"/admin/keys/{id}", None), ("DELETE", f"/admin/keys/{id}", None)]
        rows += [("PATCH", f"/admin/keys/{id}", {"label": "x"}), ("POST", f"/admin/keys/{id}/rotate", {})]
    for organization in ("other", "nowhere"):
        rows += [("POST", "/admin/users", {"name": "mallory", "organization": organization})]
        rows += [("POST", "/admin/keys", {"organization": organization})]
        rows += [("GET", f"/admin/users?organization={organization}", None)]
        rows += [("GET", f"/admin/keys?organization={organization}", None)]
        rows += [("POST", f"/admin/keys?organization={organization}", {})]
    rows += [("POST", "/admin/keys", {"user": name}) for name in ("eve", "nobody")]
    return rows


async def test_what_is_another_organizations_does_not_exist(office: Office) -> None:
    """S11: 404, word for word what an id that never was gets, and nothing changed."""
    office.organization()
    boss = office.key(role="admin")
    rows = await foreign(office)
    before, answers = office.dump(), {}
    for method, path, body in rows:
        answer = await send(office, boss, method, path, body, 404)
        named = next((one for one in (body or {}).values() if one in ("other", "nowhere", "eve", "nobody")), "")
        text = json.dumps(answer)
        for id in (path.split("/")[3] if path.count("/") > 2 else named, named):
            text = text.replace(id, "ID") if id else text
        kind = (method, path.split("?")[0].split("/")[2], path.count("/"), tuple(body or ()))
        answers.setdefault(kind, set()).add(text)
    assert office.dump() == before
    assert [texts for texts in answers.values() if len(texts) != 1] == []
    assert (await send(office, boss, "GET", "/admin/users"))["data"] == []
    assert [key["id"] for key in (await send(office, boss, "GET", "/admin/keys"))["data"]] == [id_of(boss)]


async def test_a_gateway_admin_sees_all_or_one_organization(office: Office) -> None:
    office.organization()
    office.organization("other")
    root, mine, others = office.key(None), office.key(), office.key("other")
    for query, expected in (
        ("", {root, mine, others}),
        ("?organization=acme", {mine}),
        ("?organization=other", {others}),
    ):
        listed = await send(office, root, "GET", f"/admin/keys{query}")
        assert {key["id"] for key in listed["data"]} == {id_of(token) for token in expected}
    await send(office, root, "GET", f"/admin/keys/{id_of(others)}?organization=acme", None, 404)
    made = await send(office, root, "POST", "/admin/keys?organization=other", {}, 201)
    assert made["organization"] == "other"
    answer = await send(office, root, "POST", "/admin/keys", {}, 422)
    assert answer["error"]["param"] == "organization"
    answer = await send(office, root, "POST", "/admin/keys", {"organization": "acne"}, 404)
    assert answer["error"]["message"] == "There is no organization 'acne'. Did you mean 'acme'?"
    await send(office, root, "GET", "/admin/keys?organization=%00", None, 404)


async def test_lists_come_in_pages(office: Office) -> None:
    office.organization()
    boss = office.key(role="admin")
    made = sorted([id_of(boss), *(id_of(office.key()) for _ in range(6))])
    found, after = [], ""
    while True:
        page = await send(office, boss, "GET", f"/admin/keys?limit=3&after={after}")
        found += [key["id"] for key in page["data"]]
        assert page["has_more"] is (page["next"] is not None)
        if not page["has_more"]:
            break
        assert len(page["data"]) == 3
        after = page["next"]
    assert set(found) == set(made)
    assert len(found) == len(made)
    for query in ("limit=0", "limit=1001", "limit=x", "limitt=1", "after=%00"):
        answer = await send(office, boss, "GET", f"/admin/keys?{query}", None, 400)
        assert answer["error"]["param"] == query.split("=")[0]
    for query in ("limit=1&limit=2", "after=a&limit=1&limit=1"):
        answer = await send(office, boss, "GET", f"/admin/keys?{query}", None, 400)
        assert (answer["error"]["code"], answer["error"]["param"]) == ("invalid_value", "limit")
        assert "more than once" in answer["error"]["message"]


REFUSED = (
    ("/admin/keys", {"role": "root"}, 400, "role"),
    ("/admin/keys", {"models": []}, 400, "models"),
    ("/admin/keys", {"models": ["a b"]}, 400, "models.0"),
    ("/admin/keys", {"label": "a\u0000b"}, 400, "label"),
    ("/admin/keys", {"label": "\u009b31m"}, 400, "label"),
    ("/admin/keys", {"labels": {"a b": "x"}}, 400, "labels.a b.[key]"),
    ("/admin/keys", {"expires_at": "2027-06-01"}, 400, "expires_at"),
    ("/admin/keys", {"expires_at": "0001-01-01T00:00:00+14:00"}, 400, "expires_at"),
    ("/admin/keys", {"expires_at": "9999-12-31T23:59:59-14:00"}, 400, "expires_at"),
    ("/admin/keys", {"expires_at": "1e400"}, 400, "expires_at"),
    ("/admin/keys", {"expires_at": 1_900_000_000}, 400, "expires_at"),
    ("/admin/keys", {"expires_at": "1900000000"}, 400, "expires_at"),
    ("/admin/keys", {"expires_at": True}, 400, "expires_at"),
    ("/admin/keys", {"organization": "acme", "expires_at": "2027-01-15T08:00:00Z"}, 422, "expires_at"),
    ("/admin/keys", {"kind": "gateway_admin", "organization": "acme"}, 422, "organization"),
    ("/admin/keys", {"kind": "gateway_admin", "models": ["x"]}, 422, "kind"),
    ("/admin/keys", {"organization": "acme", "user": "nobody"}, 404, "user"),
    ("/admin/users", {"organization": "acme"}, 400, "name"),
    ("/admin/users", {"organization": "acme", "name": " ada"}, 400, "name"),
    ("/admin/users", {"organization": "acme", "name": "ada"}, 409, "name"),
    ("/admin/organizations", {"name": "Acme", "id": "acme"}, 409, "id"),
    ("/admin/organizations", {"name": "Acme", "id": "../acme"}, 400, "id"),
    ("/admin/organizations", {"name": "Acme", "time_zone": "Europe/Bonn"}, 400, "time_zone"),
    ("/admin/organizations", {"name": "Acme", "time_zone": "../../etc/passwd"}, 400, "time_zone"),
    ("/admin/organizations", {"name": "Acme", "time_zone": "Europe"}, 400, "time_zone"),
)


async def test_what_is_wrong_is_named(office: Office) -> None:
    office.organization()
    office.user("ada")
    root = office.key(None)
    before = office.dump()
    for path, body, status, param in REFUSED:
        answer = await send(office, root, "POST", path, body, status)
        assert answer["error"]["param"] == param, f"{path} {body}: {answer}"
    assert office.dump() == before


async def test_what_is_of_another_type_is_not_made_to_fit(office: Office) -> None:
    office.organization()
    boss = office.key(role="admin")
    for seconds in (True, "5", 5.0, None, [5]):
        answer = await send(
            office, boss, "POST", f"/admin/keys/{id_of(boss)}/rotate", {"overlap_seconds": seconds}, 400
        )
        assert answer["error"]["param"] == "overlap_seconds"
    assert office.knows(boss)


async def test_bodies_are_bounded_json(office: Office) -> None:
    office.organization()
    boss = office.key(role="admin")
    await office.directory.load()
    async with office.client(boss) as client:
        cases: list[tuple[bytes, str, int]] = [
            (b"{", "application/json", 400),
            (b"[]", "application/json", 400),
            (b'{"label": "\\ud800"}', "application/json", 400),
            (b"\xff", "application/json", 400),
            (b"label=x", "application/x-www-form-urlencoded", 415),
            (b'{"label": "' + b"x" * 70_000 + b'"}', "application/json", 413),
            (b"[" * 60_000, "application/json", 400),
        ]
        for content, kind, status in cases:
            answer = await client.post("/admin/keys", content=content, headers={"content-type": kind})
            assert answer.status_code == status, content[:20]
            assert answer.json()["error"]["code"]


async def test_what_is_revoked_or_disabled_takes_no_more_changes(office: Office) -> None:
    office.organization()
    root, gone, ended = office.key(None), office.key(), office.key(expires_ms=round(NOON * 1000) + 1000)
    office.revoke(gone)
    office.now = NOON + 1
    for method, path, body in (("PATCH", "", {"label": "x"}), ("POST", "/rotate", {})):
        answer = await send(office, root, method, f"/admin/keys/{id_of(gone)}{path}", body, 409)
        assert answer["error"]["code"] == "key_revoked"
    answer = await send(office, root, "POST", f"/admin/keys/{id_of(ended)}/rotate", {}, 409)
    assert answer["error"]["code"] == "key_expired"
    await send(office, root, "DELETE", "/admin/organizations/acme")
    answer = await send(office, root, "POST", "/admin/keys", {"organization": "acme"}, 409)
    assert answer["error"]["code"] == "organization_disabled"


async def test_ids_of_organizations_are_made_of_their_names(office: Office) -> None:
    root = office.key(None)
    made = []
    for name in ("Acme", "acme!", "ACME", "東京", "x" * 128):
        made.append((await send(office, root, "POST", "/admin/organizations", {"name": name}, 201))["id"])
    assert made == ["acme", "acme-2", "acme-3", "organization", "x" * 100]
    own = {"name": "Team", "id": "acme/team:1", "time_zone": "Europe/Berlin"}
    await send(office, root, "POST", "/admin/organizations", own, 201)
    found = await send(office, root, "GET", "/admin/organizations/acme/team:1")
    assert found["time_zone"] == "Europe/Berlin"


async def test_hostile_strings_are_values_and_never_statements(office: Office) -> None:
    """S1: in ids, names, labels and queries; only what can be an id or a name is bound at all."""
    office.organization()
    root = office.key(None)
    known = id_of(office.key())
    await office.directory.load()
    with statements(office.storage) as seen:
        async with office.client(root) as client:
            for number, one in enumerate(hostile(500)):
                for kind in ("keys", "organizations"):
                    answer = await client.get(f"/admin/{kind}/x{quote(one[:200], safe='')}")
                    assert answer.status_code == 404, answer.text
                if number % 5:
                    continue
                answers = [
                    await client.get(httpx.URL("http://gateway/admin/keys", params={"after": one})),
                    await client.get(httpx.URL("http://gateway/admin/keys", params={"organization": one})),
                    await client.patch(f"/admin/keys/{known}", json={"label": one[:256]}),
                    await client.post("/admin/users", json={"name": one, "organization": "acme"}),
                    await client.post("/admin/keys", json={"organization": one}),
                ]
                for answer in answers:
                    assert answer.status_code in (200, 201, 400, 404, 409), answer.text
    statements_of = set(seen)
    assert len(statements_of) < 40, "as many texts as there are questions, not as many as there are values"
    for statement in statements_of:
        assert not any(one in statement for one in hostile(500) if len(one) > 3)
        assert root not in statement
    assert (await send(office, root, "GET", "/admin/organizations"))["data"], "the tables are still there"


async def test_a_database_that_does_not_answer_is_a_503(postgres: Postgres, postgres_url: str, tmp_path: Any) -> None:
    storage = Storage(postgres_url, timeout=0.3)
    upgrade(storage, tmp_path / "lock")
    office = Office(storage)
    root = office.key(None)
    await office.directory.load()
    async with office.client(root) as client:
        with postgres.frozen():
            for answer in (
                await client.get("/admin/keys"),
                await client.post("/admin/organizations", json={"name": "A"}),
            ):
                assert answer.status_code == 503
                assert answer.json()["error"]["code"] == "database_unavailable"
                assert answer.headers["retry-after"] == "1"
    storage.close()


def test_the_document_describes_the_api_and_no_hidden_field() -> None:
    routes = AccountsApi(storage=None, directory=None, secrets=None).routes()  # type: ignore[arg-type]
    made = document(operations(routes), version="1")
    assert len(made["paths"]) == 7
    schemas = made["components"]["schemas"]
    assert schemas["NewKeyBody"]["additionalProperties"] is False
    assert set(schemas["KeyChange"]["properties"]) == {"label", "labels", "role", "models", "expires_at"}
    assert "default" not in schemas["KeyChange"]["properties"]["role"]
    assert "digest" not in json.dumps(made)
