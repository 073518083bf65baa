"""Who may use which route, how much, and what is entered about it."""

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from app.routes.permissions import ADMIN, ANY_KEY, FORECAST, METRICS, TRAIN
from app.server import PARTS
from app.stores.audit_log import ACTIONS, AuditLog
from app.stores.database import Database
from app.stores.keyring import Keyring
from app.stores.references import PRODUCTION
from app.ui.pages import PAGES
from tests.app.conftest import Client, serve

OPEN = {*PAGES, "/session", "/docs", "/livez", "/readyz", "/ping", "/v2/health/live", "/v2/health/ready"}
"""What answers without a key: health, and pages that hold nothing of anybody's."""

TIMEGPT = ("forecast", "cross_validation", "anomaly_detection", "online_anomaly_detection")
UNCHANGING = {"/v1/forecasts", "/v1/audits", "/v1/anomalies", "/v1/timeseries/forecast", "/invocations"}
UNCHANGING |= {f"/compat/nixtla/v2/{call}" for call in TIMEGPT}
UNCHANGING |= {f"/compat/nixtla/v2/{call}/async" for call in (*TIMEGPT, "simulate", "explain", "execute_step")}
UNCHANGING |= {"/compat/nixtla/v2/async/jobs/{job_id}/cancel"}
"""What is posted and changes nothing."""

ROUTES = [route for part in PARTS for route in part.router.routes if isinstance(route, APIRoute)]
PROTECTED = [route for route in ROUTES if route.path not in OPEN]
SERIES = {"item_id": "a", "start": "2026-01-01", "freq": "h", "target": [float(hour % 24) for hour in range(60)]}
QUESTION = {"model": "m", "series": [SERIES], "horizon": {"steps": 3}}


def name_of(route: APIRoute) -> str:
    return f"{min(route.methods)} {route.path}"


def permissions(route: APIRoute) -> list[object]:
    return [one for one in route.dependencies if one in (ANY_KEY, FORECAST, TRAIN, ADMIN, METRICS)]


def call(client: Client, route: APIRoute, **options: object) -> httpx.Response:
    return client.request(min(route.methods), re.sub(r"\{[^}]+\}", "1", route.path), **options)


def bearer(text: str) -> dict[str, dict[str, str]]:
    return {"headers": {"authorization": f"Bearer {text}"}}


@pytest.fixture
def keyring(database: Database) -> Iterator[Keyring]:
    keyring = Keyring(database)
    yield keyring
    keyring.close()


@pytest.fixture
def client(settings, registry, checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


def refused(response: httpx.Response, status: int, code: str) -> httpx.Response:
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    return response


@pytest.mark.parametrize("route", PROTECTED, ids=name_of)
def test_every_route_declares_who_may_use_it(route):
    assert len(permissions(route)) == 1


@pytest.mark.parametrize("route", PROTECTED, ids=name_of)
def test_every_route_that_changes_something_declares_what_is_entered_about_it(route):
    if min(route.methods) == "GET" or route.path in UNCHANGING:
        return
    entered = [one for one in route.dependencies if one.dependency.__qualname__ == "audited.<locals>.expect"]
    assert len(entered) == 1


def test_every_route_refuses_a_request_without_a_key_and_one_with_too_small_a_scope(settings, keyring):
    small = keyring.create("small", ("forecast",)).text
    with serve(settings) as client:
        for route in PROTECTED:
            if route.path == "/metrics":
                continue
            answer = refused(call(client, route), 401, "key_missing")
            assert answer.headers["www-authenticate"] == 'Bearer realm="longshot"'
            (needed,) = permissions(route)
            if needed in (TRAIN, ADMIN):
                answer = refused(call(client, route, **bearer(small)), 403, "scope_missing")
                assert f'scope="{needed.scopes[0]}"' in answer.headers["www-authenticate"]
                assert repr(needed.scopes[0]) in answer.json()["detail"]


def test_nothing_is_routed_past_the_parts_that_declare_permissions(client):
    def walk(routes: list[BaseRoute]) -> Iterator[str]:
        for route in routes:
            router = getattr(route, "original_router", None)
            if router is not None:
                yield from walk(router.routes)
            else:
                yield getattr(route, "path", "?")

    everything = set(walk(client.application.routes))
    assert everything == {route.path for route in ROUTES} | {"/openapi.json", "/static"}


def test_health_and_the_description_of_the_interface_stay_open(client, keyring):
    keyring.create("any", ("forecast",))
    for path in ("/livez", "/readyz", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_the_interface_shows_the_scope_that_each_route_needs(client):
    schema = client.get("/openapi.json").json()
    scheme = schema["components"]["securitySchemes"]["ApiKey"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    shown = {
        path: {verb: one.get("security") for verb, one in verbs.items()} for path, verbs in schema["paths"].items()
    }
    assert shown["/v1/forecasts"]["post"] == [{"ApiKey": ["forecast"]}]
    assert shown["/v1/keys"]["post"] == [{"ApiKey": ["admin"]}]
    assert shown["/v1/models"]["get"] == [{"ApiKey": []}]
    assert shown["/livez"]["get"] is None


@pytest.mark.parametrize("header", ["Bearer lsk_short", "Bearer nothing", "Basic bTpt", "lsk_bare", "Bearer  ", ""])
def test_what_is_no_key_is_a_401(settings, keyring, header):
    keyring.create("any", ("forecast",))
    with serve(settings) as client:
        answer = client.get("/v1/models", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_without_a_key_only_programs_of_this_machine_are_answered(settings):
    with serve(settings) as client:
        assert client.get("/v1/models").status_code == 200
        for headers in (
            {"host": "rebound.example.com"},
            {"x-forwarded-for": "203.0.113.9"},
            {"origin": "https://example.com", "sec-fetch-site": "cross-site"},
        ):
            refused(client.get("/v1/models", headers=headers), 403, "caller_not_local")
        client.come_from("203.0.113.9")
        assert "203.0.113.9" in refused(client.get("/v1/models"), 403, "caller_not_local").json()["detail"]
    with serve(replace(settings, allow_unauthenticated=True)) as client:
        client.come_from("203.0.113.9")
        assert client.get("/v1/models", headers={"host": "longshot.example.com"}).status_code == 200


def test_a_key_opens_the_service_from_anywhere(settings, keyring):
    text = keyring.create("any", ("forecast",)).text
    with serve(settings) as client:
        client.come_from("203.0.113.9")
        assert client.get("/v1/models", **bearer(text)).status_code == 200


def test_metrics_are_for_this_machine_for_admins_or_for_all_as_set(settings, keyring):
    forecast, admin = (keyring.create("n", (scope,)).text for scope in ("forecast", "admin"))
    with serve(settings) as client:
        assert client.get("/metrics").status_code == 200
        client.come_from("203.0.113.9")
        refused(client.get("/metrics"), 401, "key_missing")
        refused(client.get("/metrics", **bearer(forecast)), 403, "scope_missing")
        assert client.get("/metrics", **bearer(admin)).status_code == 200
    with serve(replace(settings, open_metrics=True)) as client:
        client.come_from("203.0.113.9")
        assert client.get("/metrics").status_code == 200


def test_keys_are_created_used_listed_and_revoked_over_http(client):
    created = client.post("/v1/keys", json={"name": "ops", "scopes": ["admin"], "expires_in": "90d"})
    assert created.status_code == 201
    key = created.json()
    refused(client.get("/v1/keys"), 401, "key_missing")
    mine = bearer(key["key"])
    shown = client.get(created.headers["location"], **mine).json()
    assert shown == {name: value for name, value in key.items() if name != "key"} | {
        "last_used_at": shown["last_used_at"]
    }
    other = client.post("/v1/keys", json={"scopes": ["forecast", "train"]}, **mine).json()
    assert [one["id"] for one in client.get("/v1/keys", **mine).json()["data"]] == [other["id"], key["id"]]
    assert "key" not in client.get("/v1/keys", **mine).json()["data"][0]
    assert client.get("/v1/models", **bearer(other["key"])).status_code == 200
    assert client.delete(f"/v1/keys/{other['id']}", **mine).status_code == 204
    answer = refused(client.get("/v1/models", **bearer(other["key"])), 401, "key_refused")
    assert "was revoked" in answer.json()["detail"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert client.get(f"/v1/keys/{other['id']}", **mine).json()["state"] == "revoked"
    refused(client.get("/v1/keys/key_none", **mine), 404, "key_not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"scopes": []}, "request_invalid"),
        ({"scopes": ["root"]}, "request_invalid"),
        ({"scopes": ["train"], "expires_in": "soon"}, "duration_invalid"),
        ({"scopes": ["train"], "expires_in": "0d"}, "key_lifetime_invalid"),
        ({"scopes": ["train"], "expires_in": "999999d"}, "key_lifetime_invalid"),
        ({"scopes": ["train"], "name": "n" * 101}, "request_invalid"),
    ],
)
def test_a_key_that_cannot_be_is_refused_and_leaves_the_service_open(client, body, code):
    refused(client.post("/v1/keys", json=body), 422, code)
    assert client.get("/v1/keys").json()["data"] == []


def test_requests_beyond_the_rate_are_429_with_the_time_to_wait(settings, keyring):
    one, other = (keyring.create("n", ("forecast",)).text for _ in range(2))
    with serve(replace(settings, max_requests_per_minute=2)) as client:
        first = client.get("/v1/models", **bearer(one))
        assert first.headers["ratelimit-policy"] == '"requests";q=2;w=60'
        assert re.fullmatch(r'"requests";r=1;t=\d+', first.headers["ratelimit"])
        assert client.get("/v1/nothing-of-the-kind").headers.get("ratelimit") is None
        missing = refused(client.get("/v1/models/nobody", **bearer(one)), 404, "model_not_found")
        assert missing.headers["ratelimit"].startswith('"requests";r=0')
        late = refused(client.get("/v1/models", **bearer(one)), 429, "rate_exceeded")
        assert 1 <= int(late.headers["retry-after"]) <= 60
        assert late.headers["ratelimit"].startswith('"requests";r=0')
        assert client.get("/v1/models", **bearer(other)).status_code == 200
        assert client.get("/livez").status_code == 200


def test_while_open_the_rate_is_counted_by_address(settings):
    with serve(replace(settings, max_requests_per_minute=1)) as client:
        assert client.get("/v1/models").status_code == 200
        refused(client.get("/v1/models"), 429, "rate_exceeded")
        client.come_from("127.0.0.2")
        assert client.get("/v1/models").status_code == 200


def test_guessing_keys_is_limited_and_does_not_lock_the_owner_out(settings, keyring):
    text = keyring.create("n", ("forecast",)).text
    with serve(replace(settings, max_requests_per_minute=3)) as client:
        answers = [client.get("/v1/models", **bearer(text[:-1] + "~")).status_code for _ in range(4)]
        assert answers == [401, 401, 401, 429]
        assert client.get("/v1/models", **bearer(text)).status_code == 200


def test_the_points_of_a_forecast_are_those_sent_and_those_forecast(client):
    answer = client.post("/v1/forecasts", json=QUESTION)
    usage = answer.json()["usage"]
    assert usage["points_in"] + usage["points_out"] == 63
    assert f'"points";r={100_000_000 - 63};' in answer.headers["ratelimit"]


def test_who_has_used_up_its_points_is_refused_work_and_nothing_else(settings):
    with serve(replace(settings, max_points_per_minute=50)) as client:
        assert client.post("/v1/datasets", json={"series": [SERIES]}).status_code == 201
        late = refused(client.post("/v1/datasets", json={"series": [SERIES]}), 429, "rate_exceeded")
        assert "50 points" in late.json()["detail"]
        assert client.get("/v1/datasets").status_code == 200


def test_a_head_that_is_too_long_is_a_problem(settings):
    with serve(replace(settings, max_url_bytes=100, max_header_bytes=2000)) as client:
        refused(client.get("/v1/models?cursor=" + "1" * 100), 414, "url_too_long")
        refused(client.get("/v1/models", headers={"x-much": "1" * 2000}), 431, "headers_too_large")


def test_a_crowd_is_a_503_that_says_when_to_come_back(settings):
    with serve(replace(settings, max_concurrent_requests=0)) as client:
        assert refused(client.get("/v1/models"), 503, "service_full").headers["retry-after"]
        assert client.get("/livez").status_code == 200


def test_every_limit_is_shown(client, settings):
    shown = client.get("/v1/system").json()
    limits = [name for name in vars(settings) if name.startswith("max_") and name != "max_loaded_bytes"]
    assert {name: getattr(settings, name) for name in limits}.items() <= shown["limits"].items()
    assert shown["keys_needed"] is False


def test_pages_of_other_origins_may_not_read_unless_they_are_named(settings):
    asked = {"origin": "https://example.com", "access-control-request-method": "POST"}
    with serve(settings) as client:
        assert "access-control-allow-origin" not in client.options("/v1/forecasts", headers=asked).headers
    with serve(replace(settings, cors_origins="https://example.com, https://example.org")) as client:
        allowed = client.options("/v1/forecasts", headers=asked | {"access-control-request-headers": "authorization"})
        assert allowed.headers["access-control-allow-origin"] == "https://example.com"
        assert "access-control-allow-credentials" not in allowed.headers
        page = {"origin": "https://example.org", "sec-fetch-site": "cross-site"}
        assert client.get("/v1/models", headers=page).headers["access-control-allow-origin"] == "https://example.org"
        stranger = client.get("/v1/models", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers


def test_changes_are_entered_with_their_actor_and_request(client, registry, other_checkpoint):
    registry.register("m", other_checkpoint)
    mine = bearer(client.post("/v1/keys", json={"name": "ops", "scopes": ["admin"]}).json()["key"])
    mine["headers"]["x-request-id"] = "r-1"
    dataset = client.post("/v1/datasets", json={"series": [SERIES]}, **mine).headers["location"]
    client.put("/v1/models/m/aliases/production", json={"version": 2}, **mine)
    client.delete(dataset, **mine)
    client.delete(dataset, **mine)
    client.post("/v1/forecasts", json=QUESTION, **mine)
    entries = client.get("/v1/audit-log", **mine).json()["data"]
    key = entries[0]["actor"]
    assert [(one["action"], one["subject"], one["actor"]) for one in entries] == [
        ("dataset.deleted", dataset, key),
        ("alias.moved", "/v1/models/m/aliases/production", key),
        ("dataset.uploaded", dataset, key),
        ("key.created", f"/v1/keys/{key}", "anonymous"),
    ]
    assert entries[1]["details"] == {"version": 2}
    assert (entries[1]["request_id"], entries[1]["address"]) == ("r-1", "127.0.0.1")
    assert registry.alias("m", PRODUCTION).actor == key
    part = client.get("/v1/audit-log?limit=2", **mine).json()
    assert client.get(f"/v1/audit-log?cursor={part['next_cursor']}", **mine).json()["data"] == entries[2:]
    assert client.get("/v1/audit-log?actor=anonymous", **mine).json()["data"] == entries[3:]


def test_a_training_is_entered_when_it_is_submitted_and_cancelled(client, database):
    body = {"model": "n", "series": [SERIES], "options": {"horizon": 6, "context_length": 24}}
    job = client.post("/v1/training-jobs", json=body).headers["location"]
    client.post(f"{job}/cancel")
    cancelled, submitted = (one.change for one in AuditLog(database).list().items)
    assert (cancelled.action, cancelled.subject) == ("job.cancelled", job)
    assert (submitted.action, submitted.subject, submitted.details["model"]) == ("job.submitted", job, "n")
    assert {"job.cancelled", "job.submitted"} <= set(ACTIONS)
