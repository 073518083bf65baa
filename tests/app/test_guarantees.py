"""What docs/api.md promises about answers, where no test of a single part already says it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from app.stores.references import PRODUCTION
from tests.app.conftest import Client, serve
from tests.app.test_server import SERIES, ask


@pytest.fixture
def client(settings, registry, checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


def test_a_lead_past_the_calibrated_ones_is_a_warning(client):
    near, far = (ask(client, horizon={"steps": steps}).json()["forecasts"][0] for steps in (3, 300))
    assert "past_calibrated_lead" not in {one["code"] for one in near["warnings"]}
    assert "past_calibrated_lead" in {one["code"] for one in far["warnings"]}


def test_an_etag_changes_with_what_it_is_of(client, registry, other_checkpoint):
    registry.register("m", other_checkpoint)
    versions = [client.get(f"/v1/models/m/versions/{number}").headers["etag"] for number in (1, 1, 2)]
    assert versions[0] == versions[1] != versions[2]
    dataset = client.post("/v1/datasets", json={"series": [SERIES]})
    more = {"series": [{"item_id": "a", "timestamps": ["2026-01-03T12:00:00Z"], "target": [1.5]}]}
    appended = client.post(f"{dataset.headers['location']}/observations", json=more)
    shown = client.get(dataset.headers["location"]).headers["etag"]
    assert dataset.headers["etag"] != appended.headers["etag"] == shown


FAULTS = [
    ("/v1/forecasts", {"content": b"{"}, 400, "json_malformed"),
    ("/v1/forecasts", {"json": {"model": "n", "series": [SERIES], "horizon": {"steps": 1}}}, 404, "model_not_found"),
    ("/v1/forecasts", {"content": b" " * 300_000}, 413, "body_too_large"),
    ("/v1/forecasts", {"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "media_type_unsupported"),
    ("/v1/forecasts", {"json": {"model": "m", "series": [], "horizon": {"steps": 1}}}, 422, "request_invalid"),
    (
        "/v1/forecasts",
        {"json": {"model": "m", "series": [SERIES | {"target": [1.0]}], "horizon": {"steps": 1}}},
        422,
        "series_too_short",
    ),
]


@pytest.mark.parametrize(("path", "sent", "status", "code"), FAULTS)
def test_a_fault_is_a_problem_with_all_its_fields_and_the_status_of_its_kind(
    settings, client, path, sent, status, code
):
    headers = {"content-type": "application/json", "x-request-id": "mine"} | sent.get("headers", {})
    with serve(replace(settings, max_body_bytes=200_000)) as small:
        answer = small.post(path, **sent | {"headers": headers})
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["code"], problem["request_id"]) == (status, code, "mine")
    assert problem["type"] == f"urn:longshot:problem:{code}"
    assert all(problem[name] for name in ("title", "detail"))
    assert "Traceback" not in answer.text
    assert ("item_id" in problem) == (code == "series_too_short")
    assert ("pointer" in problem) == (code == "request_invalid")


def test_a_service_that_is_not_ready_is_a_503_that_says_when_to_ask_again(settings):
    with serve(settings, worker_alive=False) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert int(answer.headers["retry-after"]) >= 1
        assert client.get("/livez").status_code == 200


def test_a_forecast_past_its_deadline_is_a_504_that_names_the_deadline(settings, client):
    with serve(replace(settings, forecast_timeout_seconds=1e-6)) as hurried:
        answer = ask(hurried)
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")
    assert "LONGSHOT_FORECAST_TIMEOUT_SECONDS" in answer.json()["hint"]


def test_quantiles_and_nested_intervals_of_an_answer_never_cross(client):
    levels = {"quantile_levels": [0.01, 0.3, 0.5, 0.7, 0.99], "interval_levels": [50, 80, 95]}
    (one,) = ask(client, horizon={"steps": 40}, **levels).json()["forecasts"]
    ascending = np.array([one["quantiles"][f"{level:g}"] for level in levels["quantile_levels"]])
    assert (np.diff(ascending, axis=0) >= 0).all()
    inner, middle, outer = (one["intervals"][level] for level in ("50", "80", "95"))
    ends = [outer["lower"], middle["lower"], inner["lower"], inner["upper"], middle["upper"], outer["upper"]]
    assert (np.diff(np.array(ends), axis=0) >= 0).all()


def test_a_change_needs_the_etag_of_the_state_it_was_made_for(client):
    dataset = client.post("/v1/datasets", json={"series": [SERIES]})
    address, tag = f"{dataset.headers['location']}/observations", dataset.headers["etag"]
    more = [
        {"series": [{"item_id": "a", "timestamps": [f"2026-01-0{day}T12:00:00Z"], "target": [1.5]}]} for day in (4, 5)
    ]
    first, late = (client.post(address, json=one, headers={"if-match": tag}) for one in more)
    assert first.status_code == 200
    assert (late.status_code, late.json()["code"]) == (412, "dataset_changed")
