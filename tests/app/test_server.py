import copy
import gzip
import io
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import hypothesis
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import strategies as st

from app.routes import forecasts
from app.settings import Settings
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.ui.pages import PAGES
from model import Checkpoint
from tests.app.conftest import Client, serve

VALUES = [round(value, 3) for value in (10 + np.sin(np.arange(60) / 4)).tolist()]
SERIES = {"item_id": "a", "start": "2026-01-01T00:00:00Z", "freq": "h", "target": VALUES}
PROBLEM = "application/problem+json"
ODD_TEXTS = (
    *("2026-01-01", "0001-01-01", "9999-12-31T23:59:59+14:00", "1677-09-21", "-1", "NaN", "m@x", "m/0", ""),
    *("h", "0h", "15min", "-1D", "2YE", "B", "W-MON", "3MS", "QE", "P1D", "P99999D", "PT1S", "7D"),
)
FIELDS = ("item_id", "timestamps", "start", "freq", "target", "dataset", "steps", "until", "duration", "x")

TRAINING = {
    "horizon": 6,
    "context_length": 24,
    "state_size": 4,
    "num_particles": 2,
    "num_epochs": 2,
    "steps_per_epoch": 2,
    "batch_size": 4,
}


@pytest.fixture
def client(settings: Settings, registry: Registry, checkpoint: Checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(replace(settings, max_body_bytes=200_000)) as client:
        yield client


def ask(client: Client, **fields: object) -> httpx.Response:
    return client.post("/v1/forecasts", json={"model": "m", "series": [SERIES], "horizon": {"steps": 3}} | fields)


def refused(response: httpx.Response, status: int, code: str) -> dict:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == PROBLEM
    content = response.json()
    assert content["status"] == status
    assert content["request_id"] == response.headers["x-request-id"]
    assert content["detail"]
    return content


def test_a_forecast_is_answered_as_the_interface_says(client):
    response = ask(client, interval_levels=[80, 95])
    assert response.status_code == 200
    content = response.json()
    assert set(content) == {"id", "model", "forecasts", "calibration", "usage", "timings_ms"}
    assert content["model"]["version"] == 1
    (forecast,) = content["forecasts"]
    assert forecast["timestamps"] == ["2026-01-03T12:00:00Z", "2026-01-03T13:00:00Z", "2026-01-03T14:00:00Z"]
    assert set(forecast["quantiles"]) == {"0.1", "0.5", "0.9"}
    wide, narrow = forecast["intervals"]["95"], forecast["intervals"]["80"]
    assert all(np.array(wide["lower"]) <= np.array(narrow["lower"]))
    assert all(np.array(narrow["lower"]) <= np.array(narrow["upper"]))
    assert all(np.array(narrow["upper"]) <= np.array(wide["upper"]))


def test_timestamps_asked_one_by_one_come_back_in_their_order(client):
    asked = ["2026-01-03T14:00:00Z", "2026-01-03T12:00:00Z"]
    some = ask(client, horizon={"timestamps": asked}).json()["forecasts"][0]
    steps = ask(client).json()["forecasts"][0]
    assert some["timestamps"] == asked
    assert some["mean"] == pytest.approx([steps["mean"][2], steps["mean"][0]])


def test_a_dataset_forecasts_as_the_same_values_sent_inline(client):
    created = client.post("/v1/datasets", json={"series": [SERIES]})
    assert created.status_code == 201
    shown = client.get(created.headers["location"])
    content = created.json()
    assert content.pop("audit")["is_accepted"]
    assert shown.json() == content
    assert shown.headers["etag"] == created.headers["etag"]
    by_id = ask(client, series=[{"item_id": "a", "dataset": created.json()["id"]}])
    assert by_id.json()["forecasts"] == ask(client).json()["forecasts"]


def test_a_csv_is_uploaded_with_its_columns_named_in_the_query(client):
    rows = "".join(f"2026-01-01 {hour:02}:00,{hour}\n" for hour in range(20))
    response = client.post(
        "/v1/datasets?timestamp=when&target=count", content="when,count\n" + rows, headers={"content-type": "text/csv"}
    )
    assert response.status_code == 201
    assert response.json()["num_observations"] == 20
    packed = gzip.compress(("when,count\n" + rows).encode())
    again = client.post(
        "/v1/datasets?timestamp=when&target=count", content=packed, headers={"content-type": "application/gzip"}
    )
    assert again.json()["id"] == response.json()["id"]
    assert [one["id"] for one in client.get("/v1/datasets").json()["data"]] == [response.json()["id"]]
    assert client.delete(response.headers["location"]).status_code == 204
    refused(client.get(response.headers["location"]), 404, "dataset_not_found")


def test_the_same_panel_is_the_same_dataset_in_every_format(client):
    times = pa.array(np.arange("2026-01-01", "2026-01-03", dtype="datetime64[h]").astype("datetime64[us]"))
    table = pa.table({"timestamp": times.cast(pa.timestamp("us", "UTC")), "target": np.arange(48.0)})
    arrow, parquet = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(arrow, table.schema) as stream:
        stream.write_table(table)
    pa.parquet.write_table(table, parquet)
    texts = [f"{one.isoformat()[:19]}Z" for one in table["timestamp"].to_pylist()]
    lines = [json.dumps({"timestamp": one, "target": hour}) for hour, one in enumerate(texts)]
    bodies = {
        "application/json": json.dumps({"series": [{"timestamps": texts, "target": [*range(48)]}]}),
        "application/x-ndjson": "\n".join(lines),
        "application/x-ndjson; charset=utf-8": json.dumps({"start": texts[0], "freq": "h", "target": [*range(48)]}),
        "text/csv": table.to_pandas().to_csv(index=False),
        "application/vnd.apache.parquet": parquet.getvalue(),
        "application/vnd.apache.arrow.stream": arrow.getvalue(),
    }
    uploads = [
        client.post("/v1/datasets", content=body, headers={"content-type": kind}) for kind, body in bodies.items()
    ]
    assert {one.status_code for one in uploads} == {201}, [one.text for one in uploads]
    assert len({one.json()["digest"] for one in uploads}) == 1


@pytest.mark.parametrize(
    ("table", "query", "status", "code"),
    [
        ("when,target\n2026-01-01,1\n", "", 422, "column_unnamed"),
        ("timestamp,target\n2026-01-01,1\n", "?target=count", 422, "column_missing"),
        ("timestamp,target\n2026-01-01,1\n2026-01-02,many\n", "", 422, "cell_invalid"),
        ("timestamp,target\n2026-01-01,1\n2026-01-01,2\n", "", 422, "duplicate_timestamps"),
        ("timestamp,target\n2026-01-01,1\n2026-01-01,2,3\n", "", 400, "file_unreadable"),
        ("timestamp,target\n2026-01-01,1\n", "?duplicates=max", 422, "request_invalid"),
        ("timestamp,target\n2026-01-01,1\n2026-01-02,1\n", "?freq=often", 422, "frequency_invalid"),
        ("", "", 400, "file_unreadable"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_a_reason(client, table, query, status, code):
    response = client.post(f"/v1/datasets{query}", content=table, headers={"content-type": "text/csv"})
    refused(response, status, code)


def test_one_bad_series_fails_alone_with_on_error_partial(client):
    bad = {"item_id": "bad", "timestamps": ["2026-01-01", "2026-01-01"], "target": [1, 2]}
    refused(ask(client, series=[SERIES, bad]), 422, "duplicate_timestamps")
    content = ask(client, series=[SERIES, bad], on_error="partial").json()
    assert [one["status"] for one in content["forecasts"]] == ["ok", "failed"]
    assert content["forecasts"][1]["problem"]["code"] == "duplicate_timestamps"


def test_a_covariate_that_is_not_used_is_a_warning(client):
    series = SERIES | {"past_covariates": {"temp": [1.0] * 60}, "static_covariates": {"site": "north"}}
    warnings = ask(client, series=[series]).json()["forecasts"][0]["warnings"]
    assert [one["code"] for one in warnings].count("covariate_unused") == 2


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"model": "nobody"}, 404, "model_not_found"),
        ({"model": "m/9"}, 404, "version_not_found"),
        ({"model": "m@nowhere"}, 404, "alias_not_found"),
        ({"model": "No Name"}, 422, "name_invalid"),
        ({"horizon": {"steps": 0}}, 422, "horizon_out_of_range"),
        ({"horizon": {"steps": 10**9}}, 422, "horizon_out_of_range"),
        ({"horizon": {"steps": 1.5}}, 422, "request_invalid"),
        ({"horizon": {"until": "yesterday"}}, 422, "date_invalid"),
        ({"horizon": {"until": "2025-01-01T00:00:00Z"}}, 422, "horizon_not_ahead"),
        ({"horizon": {"duration": "P1M"}}, 422, "duration_invalid"),
        ({"horizon": {}}, 422, "request_invalid"),
        ({"series": []}, 422, "request_invalid"),
        ({"series": [SERIES, SERIES]}, 422, "duplicate_items"),
        ({"series": [SERIES | {"target": [1]}]}, 422, "series_too_short"),
        ({"series": [SERIES | {"target": [None, None]}]}, 422, "series_too_short"),
        ({"series": [SERIES | {"target": [1, "two", 3]}]}, 422, "request_invalid"),
        ({"series": [SERIES | {"freq": "often"}]}, 422, "frequency_invalid"),
        ({"series": [SERIES | {"start": "soon"}]}, 422, "timestamp_invalid"),
        ({"series": [{"timestamps": ["2026-01-01"], "target": [1, 2]}]}, 422, "length_mismatch"),
        (
            {"series": [{"timestamps": ["2026-01-01", "2026-01-02T00:00:00Z"], "target": [1, 2]}]},
            422,
            "time_zones_mixed",
        ),
        ({"series": [{"dataset": "ds_none"}]}, 404, "dataset_not_found"),
        ({"quantile_levels": [1.5]}, 422, "request_invalid"),
        ({"quantile_levels": [n / 100 for n in range(1, 99)]}, 413, "limit_exceeded"),
        ({"horizont": 1}, 422, "request_invalid"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_4xx_with_a_code(client, fields, status, code):
    refused(ask(client, **fields), status, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "json_malformed"),
        (b'{"model": ', 400, "json_malformed"),
        (b"\xff\xfe", 400, "json_malformed"),
        (b"[" * 50_000, 400, "json_malformed"),
        (b'{"a":' * 30_000, 400, "json_malformed"),
        (b"null", 422, "request_invalid"),
        (b"[]", 422, "request_invalid"),
        (
            b'{"model": "m", "series": [{"target": [NaN, Infinity, 1e999]}], "horizon": {"steps": 1}}',
            422,
            "request_invalid",
        ),
        (b'{"model": "m", "horizon": {"steps": ' + b"9" * 5000 + b"}}", 400, "json_malformed"),
    ],
)
def test_bytes_that_are_no_request_are_a_4xx(client, body, status, code):
    response = client.post("/v1/forecasts", content=body, headers={"content-type": "application/json"})
    assert len(response.content) < 5000
    refused(response, status, code)


BODIES = {
    "/v1/forecasts": {"model": "m", "series": [SERIES], "horizon": {"steps": 3}, "quantile_levels": [0.5]},
    "/v1/datasets": {"series": [SERIES], "duplicates": "error"},
    "/v1/training-jobs": {"model": "n", "series": [SERIES], "options": TRAINING, "policy": "register"},
}
ODD_TIMES = (
    "2026-01-01",
    "1900-02-28T23:59:59.5",
    "2026-10-25T02:30:00",
    "2026-03-29T02:30+01:00",
    "1677-09-21T00:00Z",
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(ODD_TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)
EASY = hypothesis.settings(
    max_examples=100,
    derandomize=True,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)


def places(value: object, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, part in inside:
        yield (*before, name)
        yield from places(part, (*before, name))


def post(client: Client, resource: str, body: object) -> None:
    response = client.post(resource, content=json.dumps(body), headers={"content-type": "application/json"})
    assert response.status_code < 500, (body, response.text)


@pytest.mark.parametrize("resource", list(BODIES))
@hypothesis.given(data=st.data())
@EASY
def test_no_value_in_any_field_makes_the_service_fail(client, resource, data):
    body = copy.deepcopy(BODIES[resource])
    *path, last = data.draw(st.sampled_from(sorted(places(body), key=str)))
    place = body
    for step in path:
        place = place[step]
    place[last] = data.draw(JSON_VALUES)
    post(client, resource, body)


@hypothesis.given(
    start=st.sampled_from(ODD_TIMES),
    freq=st.sampled_from(ODD_TEXTS),
    horizon=st.sampled_from(["until", "duration", "timestamps", "steps"]),
    asked=st.sampled_from(ODD_TIMES + ODD_TEXTS),
    values=st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=6),
)
@EASY
@pytest.mark.filterwarnings("ignore")
def test_no_time_step_or_number_makes_the_service_fail(client, start, freq, horizon, asked, values):
    value = {"timestamps": [asked], "steps": 50}.get(horizon, asked)
    series = {"start": start, "freq": freq, "target": values}
    post(client, "/v1/forecasts", BODIES["/v1/forecasts"] | {"series": [series], "horizon": {horizon: value}})


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_kind_is_a_415(client, kind):
    refused(client.post("/v1/forecasts", content=b"{}", headers={"content-type": kind}), 415, "media_type_unsupported")


PACKED = {"gzip": gzip.compress, "zstd": lambda plain: pa.Codec("zstd").compress(plain, asbytes=True)}


@pytest.mark.parametrize("encoding", PACKED)
def test_a_request_may_be_packed_and_so_may_its_answer(client, encoding):
    body = json.dumps({"model": "m", "series": [SERIES], "horizon": {"steps": 90}}).encode()
    headers = {"content-type": "application/json", "accept-encoding": encoding}
    plain = client.post("/v1/forecasts", content=body, headers={"content-type": "application/json"})
    packed, content = client.post_raw("/v1/forecasts", PACKED[encoding](body), headers | {"content-encoding": encoding})
    assert packed.headers["content-encoding"] == encoding
    with pa.CompressedInputStream(pa.BufferReader(content), encoding) as stream:
        assert orjson.loads(stream.read())["forecasts"] == plain.json()["forecasts"]


@pytest.mark.parametrize(
    ("encoding", "body", "status", "code"),
    [
        ("gzip", gzip.compress(b"{}", mtime=0)[:-9], 400, "compression_damaged"),
        ("zstd", b"{}", 400, "compression_damaged"),
        ("gzip", gzip.compress(bytes(10**6), mtime=0), 413, "body_too_large"),
        ("br", b"{}", 415, "encoding_unsupported"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), 415, "encoding_unsupported"),
    ],
)
def test_a_packed_body_that_cannot_be_read_is_refused(client, encoding, body, status, code):
    headers = {"content-type": "application/json", "content-encoding": encoding}
    response = client.post("/v1/forecasts", content=body, headers=headers)
    refused(response, status, code)
    assert response.headers.get("accept-encoding") == ("zstd, gzip" if status == 415 else None)


def test_a_body_above_the_limit_is_a_413_announced_or_chunked(client):
    headers = {"content-type": "application/json"}

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 100_000

    for content in (b"x" * 300_000, chunks()):
        response = client.post("/v1/forecasts", content=content, headers=headers)
        refused(response, 413, "body_too_large")
        assert response.headers["connection"] == "close"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/livez", 405)])
def test_what_is_not_there_is_a_problem_too(client, method, path, status):
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM
    assert path in response.json()["detail"]


def test_a_browser_is_shown_a_page_where_there_is_nothing_and_a_program_a_problem(client):
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    page = client.get("/nothing", headers={"Accept": browser})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "content-security-policy" in page.headers
    for name in re.findall(r'(?:src|href)="([^"#]+)"', page.text):
        assert client.get(name).status_code == 200
    for program in ("*/*", "application/json", "text/html;q=0.5, application/json", ""):
        problem = client.get("/nothing", headers={"Accept": program})
        assert problem.headers["content-type"] == PROBLEM
        assert "Accept" in problem.headers["vary"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/v1/models/m/aliases/production", "GET, HEAD, PUT"),
        ("PUT", "/v1/datasets", "GET, HEAD, POST"),
        ("PUT", "/v1/datasets/ds_1", "DELETE, GET, HEAD"),
        ("GET", "/v1/audits", "POST"),
        ("OPTIONS", "/v1/training-jobs", "GET, HEAD, POST"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_a_405_that_names_all_it_takes(client, method, path, allowed):
    response = client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)
    assert response.headers["content-type"] == PROBLEM


def test_request_ids_are_echoed_if_they_are_harmless(client):
    assert client.get("/livez", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.get("/livez", headers={"x-request-id": "a b<script>"}).headers["x-request-id"].startswith("req_")


def test_browsers_are_told_to_be_careful_with_every_answer(client):
    for path in ("/livez", "/nothing"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_what_nobody_foresaw_is_a_500_without_a_traceback(client, monkeypatch):
    def fail(*_: object) -> bytes:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(forecasts, "_answer", fail)
    response = ask(client)
    refused(response, 500, "internal_error")
    assert "hunter2" not in response.text
    assert "Traceback" not in response.text


def test_a_caller_who_leaves_during_an_upload_is_no_failure_of_the_service(client):
    assert client.leave_during_upload("/v1/forecasts") == []
    assert re.search(r'_requests_total\{.*route="/v1/forecasts",status="499"\} 1', client.get("/metrics").text)


def test_a_training_is_queued_once_for_an_idempotency_key(client):
    body = {"model": "n", "series": [SERIES], "options": TRAINING}
    first, second = (client.post("/v1/training-jobs", json=body, headers={"idempotency-key": "k"}) for _ in range(2))
    assert first.status_code == 202
    assert first.json()["state"] == "queued"
    assert second.json()["id"] == first.json()["id"]
    shown = client.get(first.headers["location"]).json()
    assert shown["options"]["horizon"] == 6
    other = client.post("/v1/training-jobs", json=body | {"model": "o"}, headers={"idempotency-key": "k"})
    refused(other, 409, "idempotency_mismatch")
    assert len(client.get("/v1/training-jobs").json()["data"]) == 1
    cancelled = client.post(f"{first.headers['location']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    refused(client.post(f"{first.headers['location']}/cancel"), 409, "job_not_cancellable")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"series": [SERIES | {"target": [1, 2, 3]}]}, 422, "series_too_short"),
        ({"series": None, "dataset": "ds_none"}, 404, "dataset_not_found"),
        ({"model": "No Name"}, 422, "name_invalid"),
        ({"options": {"state_size": 0}}, 422, "configuration_invalid"),
        ({"options": {"learning_rate": 7}}, 422, "configuration_invalid"),
        ({"options": {"layers": 3}}, 422, "request_invalid"),
        ({"policy": "always"}, 422, "request_invalid"),
        ({"dataset": "ds_1"}, 422, "request_invalid"),
    ],
)
def test_a_training_that_cannot_succeed_is_refused_before_it_is_queued(client, fields, status, code):
    body = {"model": "n", "series": [SERIES], "options": TRAINING} | fields
    refused(client.post("/v1/training-jobs", json=body), status, code)
    assert client.get("/v1/training-jobs").json()["data"] == []


def test_lists_refuse_limits_and_cursors_that_are_none(client):
    refused(client.get("/v1/training-jobs?limit=0"), 422, "request_invalid")
    refused(client.get("/v1/training-jobs?cursor=abc"), 400, "cursor_invalid")
    refused(client.get("/v1/training-jobs?state=lost"), 422, "request_invalid")
    refused(client.get("/v1/training-jobs/job_none"), 404, "job_not_found")


def test_models_versions_and_aliases_are_shown(client):
    assert client.get("/v1/models").json()["data"][0]["aliases"] == {"production": 1}
    assert client.get("/v1/models/m").json()["latest_version"] == 1
    (version,) = client.get("/v1/models/m/versions").json()["data"]
    shown = client.get("/v1/models/m/versions/1")
    assert shown.json() == version | {"backtests": []}
    assert shown.headers["etag"] == client.get("/v1/models/m/versions/1").headers["etag"]
    refused(client.get("/v1/models/m/versions/2"), 404, "version_not_found")
    refused(client.get("/v1/models/nobody"), 404, "model_not_found")
    refused(client.get("/v1/models/m/versions/first"), 422, "request_invalid")


def test_an_alias_moves_only_from_the_state_its_mover_saw(client, registry, other_checkpoint):
    registry.register("m", other_checkpoint)
    path = "/v1/models/m/aliases/production"
    tag = client.get(path).headers["etag"]
    moved = client.put(path, json={"version": 2}, headers={"if-match": tag})
    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    refused(client.put(path, json={"version": 1}, headers={"if-match": tag}), 412, "alias_changed")
    refused(client.put(path, json={"version": 1}, headers={"if-none-match": "*"}), 412, "alias_changed")
    refused(client.put(path, json={"version": 1}, headers={"if-match": "old"}), 400, "precondition_invalid")
    refused(client.put(path, json={"version": 3}), 404, "version_not_found")
    refused(client.put(path, json={"version": "2"}), 422, "request_invalid")
    assert ask(client).json()["model"]["version"] == 2


def test_a_truncated_checkpoint_is_a_problem_and_not_ready(client, registry):
    weights = registry.checkpoint_path(registry.resolve("m")) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    refused(ask(client), 409, "checkpoint_corrupt")
    content = refused(client.get("/readyz"), 503, "not_ready")
    assert "model.safetensors" in content["detail"]
    assert client.get("/livez").status_code == 200


def test_ready_means_a_forecast_and_a_live_worker(client):
    assert client.get("/readyz").json() == {"status": "ready", "version": "m/1", "worker_alive": True}


def test_without_a_worker_the_service_is_not_ready_unless_it_is_to_have_none(settings):
    with serve(settings, worker_alive=False) as client:
        response = client.get("/readyz")
        assert "worker" in refused(response, 503, "not_ready")["detail"]
        assert response.headers["retry-after"]
    with serve(replace(settings, worker=False), worker_alive=False) as client:
        assert client.get("/readyz").json() == {"status": "ready", "version": None, "worker_alive": False}


def test_a_stuck_forecast_stalls_nothing_and_ends_in_a_504(settings, monkeypatch):
    release = threading.Event()

    def stuck(*_: object) -> Iterator[None]:
        release.wait(10)
        yield

    monkeypatch.setattr(forecasts, "_answer", stuck)
    with serve(replace(settings, forecast_timeout_seconds=0.3)) as client:
        answers: list[httpx.Response] = []
        waiting = threading.Thread(target=lambda: answers.append(ask(client)))
        waiting.start()
        assert client.get("/livez").status_code == 200
        waiting.join()
        release.set()
    refused(answers[0], 504, "deadline_exceeded")


def test_operators_see_metrics_limits_and_versions(client):
    ask(client)
    metrics = client.get("/metrics").text
    assert 'longshot_requests_total{method="POST",route="/v1/forecasts",status="200"} 1.0' in metrics
    assert "longshot_forecast_points_total 3.0" in metrics
    assert "longshot_batch_requests_count 1.0" in metrics
    assert "longshot_queue_seconds_count 1.0" in metrics
    for phase in ("parse", "load", "forecast", "write"):
        assert f'longshot_forecast_seconds_count{{phase="{phase}"}} 1.0' in metrics
    assert "longshot_forecast_past_calibrated_total 0.0" in metrics
    assert 'longshot_version_lookups_total{found="no"} 1.0' in metrics
    assert "longshot_loaded_versions 1.0" in metrics
    evaluations = ask(client, horizon={"steps": 300}).json()["usage"]["function_evaluations"]
    later = client.get("/metrics").text
    assert "longshot_forecast_past_calibrated_total 1.0" in later
    assert 'longshot_version_lookups_total{found="yes"} 1.0' in later
    assert _sample(later, "longshot_forecast_evaluations_total") >= evaluations > 0
    assert _sample(later, "longshot_loaded_bytes") > 0
    system = client.get("/v1/system").json()
    assert system["limits"]["max_body_bytes"] == 200_000
    assert system["worker_alive"] is True


def _sample(metrics: str, name: str) -> float:
    return next(float(line.split()[1]) for line in metrics.splitlines() if line.startswith(f"{name} "))


def test_the_interface_describes_every_body(client):
    schema = client.get("/openapi.json").json()
    body = schema["paths"]["/v1/forecasts"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/ForecastRequest"}
    text = orjson.dumps(schema).decode()
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(schema["components"]["schemas"])


@pytest.mark.parametrize("address", [*PAGES, "/docs"])
def test_a_page_comes_from_this_host_alone(client, address):
    page = client.get(re.sub(r"\{[^}]+\}", "a", address))
    assert page.status_code == 200
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("<!doctype", "")
    for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert client.get(name).status_code == 200
