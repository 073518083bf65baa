"""KServe's time-series protocol: the answers are those of our own route, and the shape is KServe's."""

from collections.abc import Iterator

import pytest

from app.settings import Settings
from app.stores.keyring import Keyring
from app.stores.references import PRODUCTION
from tests.app.conftest import Client, make_panel, serve

VALUES = make_panel(num_items=1, length=100).series[0].values.round(4).tolist()
START = "2026-01-01T00:00:00+00:00"
INPUT = {"type": "univariate_time_series", "name": "a", "series": VALUES, "frequency": "H", "start_timestamp": START}
MANY = INPUT | {"type": "multivariate_time_series"}
REQUEST = {"model": "m", "inputs": [INPUT], "options": {"horizon": 3, "quantiles": [0.1, 0.5, 0.9]}}


@pytest.fixture(scope="module")
def client(tmp_path_factory, checkpoint) -> Iterator[Client]:
    settings = Settings(home=tmp_path_factory.mktemp("kserve"), default_model="m@canary", max_series=5)
    with serve(settings) as client:
        registry = client.application.state.resources.registry
        registry.register("m", checkpoint)
        registry.point_alias("m", PRODUCTION, 1, actor="test")
        registry.point_alias("m", "canary", 1, actor="test")
        registry.register("unserved", checkpoint)
        yield client


def post(client: Client, body: object, status: int = 200) -> dict:
    response = client.post("/v1/timeseries/forecast", json=body)
    assert response.status_code == status, response.text
    return response.json()


def ours(client: Client, series: dict, steps: int = 3) -> dict:
    body = {"model": "m", "series": [series], "horizon": {"steps": steps}, "interval_levels": []}
    return client.post("/v1/forecasts", json=body).json()["forecasts"][0]


def test_a_forecast_is_ours_in_the_shape_of_the_protocol(client):
    found = post(client, REQUEST)
    expected = ours(client, {"item_id": "a", "start": START, "freq": "h", "target": VALUES})
    (output,) = found["outputs"]
    (content,) = output["content"]
    assert content["mean_forecast"] == expected["mean"]
    assert content["quantiles"] == expected["quantiles"]
    assert (content["name"], content["type"], content["frequency"]) == ("a", "univariate_time_series", "H")
    assert content["start_timestamp"] == "2026-01-05T04:00:00+00:00"
    assert (output["type"], output["status"], output["error"]) == ("time_series_forecast", "completed", None)
    assert (found["status"], found["error"], found["model"]) == ("completed", None, "m/1")
    assert found["usage"] == {"prompt_tokens": 100, "completion_tokens": 3, "total_tokens": 103}
    assert found["created_at"] > 1_700_000_000


def test_the_example_of_its_documentation_is_answered_and_what_is_not_used_is_said(client):
    series = [120, 122, 125, 127, 130, 133, 135]
    stock = INPUT | {"series": series, "frequency": "D", "start_timestamp": "2025-06-05T13:10:00Z", "unit": "USD"}
    humid = stock | {"name": "b", "series": [33, 34, 35, 36, 37], "frequency": "H"}
    asked = {"horizon": 4, "quantiles": [0.1, 0.5, 0.9], "other_options": "value"}
    body = {"model": "m", "inputs": [stock, humid], "options": asked, "metadata": {"request_id": "x"}, "other": 1}
    found = post(client, body)
    starts = [one["content"][0]["start_timestamp"] for one in found["outputs"]]
    assert starts == ["2025-06-12T13:10:00+00:00", "2025-06-05T18:10:00+00:00"]
    assert [one["detail"].split("'")[1] for one in found["warnings"]] == [
        "other",
        "options.other_options",
        "inputs[0].unit",
        "inputs[1].unit",
    ]
    assert {one["code"] for one in found["outputs"][0]["content"][0]["warnings"]} >= {"frequency_differs"}


def test_each_variable_of_a_multivariate_series_is_forecast_as_if_alone(client):
    rows = [[value, 2 * value] for value in VALUES]
    (content,) = post(client, REQUEST | {"inputs": [MANY | {"series": rows}]})["outputs"][0]["content"]
    alone = ours(client, {"start": START, "freq": "h", "target": [2 * value for value in VALUES]})
    assert [row[1] for row in content["mean_forecast"]] == pytest.approx(alone["mean"], rel=1e-6)
    assert [len(row) for row in content["quantiles"]["0.9"]] == [2, 2, 2]


@pytest.mark.parametrize(
    ("frequency", "start", "expected"),
    [
        ("second", "2026-01-01T00:00:00", "2026-01-01T00:00:30"),
        ("minute", "2026-01-01T00:00:00", "2026-01-01T00:30:00"),
        ("T", "2026-01-01T00:00:00", "2026-01-01T00:30:00"),
        ("hour", "2026-01-01T00:00:00Z", "2026-01-02T06:00:00+00:00"),
        ("day", "2026-01-01", "2026-01-31T00:00:00"),
        ("W", "2026-01-01", "2026-07-30T00:00:00"),
        ("month", "2026-01-15", "2028-07-15T00:00:00"),
        ("M", "2026-01-31", "2028-07-31T00:00:00"),
        ("quarter", "2026-02-01", "2033-08-01T00:00:00"),
        ("Y", "2026-05-01", "2056-05-01T00:00:00"),
        ("D", None, "1970-01-31T00:00:00"),
    ],
)
def test_a_forecast_begins_a_step_after_the_series_in_every_frequency(client, frequency, start, expected):
    body = REQUEST | {"inputs": [INPUT | {"series": VALUES[:30], "frequency": frequency, "start_timestamp": start}]}
    (content,) = post(client, body)["outputs"][0]["content"]
    assert content["start_timestamp"] == expected
    assert len(content["mean_forecast"]) == 3


def test_it_begins_behind_the_last_observation(client):
    body = REQUEST | {"inputs": [INPUT | {"series": [None, *VALUES[:30], None, None]}]}
    assert post(client, body)["outputs"][0]["content"][0]["start_timestamp"] == "2026-01-02T07:00:00+00:00"


def test_a_series_that_cannot_be_forecast_fails_alone_unless_it_is_all_there_is(client):
    short = INPUT | {"name": "b", "series": [1.0]}
    found = post(client, REQUEST | {"inputs": [INPUT, short]})
    assert found["status"] == "partial"
    assert [one["status"] for one in found["outputs"]] == ["completed", "error"]
    error = found["outputs"][1]["error"]
    assert (error["code"], error["type"], error["param"]) == ("422", "series_too_short", "b")
    assert post(client, REQUEST | {"inputs": [short]}, 422)["code"] == "series_too_short"


def test_a_request_that_names_no_model_is_answered_by_the_default(client, settings):
    asked = {name: one for name, one in REQUEST.items() if name != "model"}
    assert post(client, asked)["model"] == "m/1"
    with serve(settings) as bare:
        assert post(bare, asked, 422)["code"] == "model_unnamed"


def test_models_are_those_that_can_be_asked_by_name(client):
    assert client.get("/v1/timeseries/models").json() == ["m"]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"model": "nobody"}, 404, "model_not_found"),
        ({"inputs": []}, 422, "request_invalid"),
        ({"inputs": [INPUT | {"series": [[1.0]]}]}, 422, "request_invalid"),
        (
            {"inputs": [MANY | {"series": [[1.0], [1.0, 2.0]]}]},
            422,
            "request_invalid",
        ),
        ({"inputs": [MANY | {"series": []}]}, 422, "request_invalid"),
        ({"inputs": [INPUT | {"series": ["1"]}]}, 422, "request_invalid"),
        ({"inputs": [INPUT | {"frequency": "fortnight"}]}, 422, "request_invalid"),
        ({"inputs": [INPUT | {"start_timestamp": "soon"}]}, 422, "date_invalid"),
        ({"inputs": [INPUT | {"start_timestamp": "9999-12-01", "frequency": "Y"}]}, 422, None),
        ({"inputs": [INPUT | {"start_timestamp": "0001-01-01"}]}, 422, None),
        ({"inputs": [INPUT, INPUT]}, 422, "duplicate_items"),
        ({"inputs": [INPUT] * 6}, 413, "limit_exceeded"),
        ({"options": {"horizon": 0}}, 422, "horizon_out_of_range"),
        ({"options": {"horizon": 10**9}}, 422, "horizon_out_of_range"),
        ({"options": {"horizon": 3, "quantiles": [0.5, 1.5]}}, 422, "request_invalid"),
        ({"options": {"horizon": 3, "quantiles": [n / 100 for n in range(1, 99)]}}, 413, "limit_exceeded"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_code(client, changed, status, code):
    found = post(client, REQUEST | changed, status)
    assert code in (None, found["code"])


def test_a_body_that_is_no_json_is_malformed(client):
    response = client.post("/v1/timeseries/forecast", content=b"{", headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "json_malformed")


def test_a_key_with_the_scope_of_forecasts_is_needed_as_on_our_own_route(settings, registry, checkpoint, database):
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    keyring = Keyring(database)
    keys = {scope: keyring.create(scope, (scope,)).text for scope in ("forecast", "train")}
    keyring.close()
    with serve(settings) as client:
        assert client.post("/v1/timeseries/forecast", json=REQUEST).status_code == 401
        for scope, status in (("train", 403), ("forecast", 200)):
            headers = {"authorization": f"Bearer {keys[scope]}"}
            response = client.post("/v1/timeseries/forecast", json=REQUEST, headers=headers)
            assert response.status_code == status
        assert int(response.headers["ratelimit"].split("points")[1].split("r=")[1].split(";")[0].split(",")[0]) < 10**8
