"""/ping and /invocations: tables in the forms of MLflow and SageMaker, answered as by our own route."""

import csv
import io
import json
from collections.abc import Iterator
from functools import partial

import pandas as pd
import pytest

from app.settings import Settings
from app.stores.references import PRODUCTION
from tests.app.conftest import Client, make_panel, serve

PANEL = make_panel(num_items=2, length=60)
FRAME = PANEL.to_frame()
TEXTS = FRAME.assign(timestamp=[one.isoformat() for one in FRAME["timestamp"]])
NIXTLA = TEXTS.rename(columns={"item_id": "unique_id", "timestamp": "ds", "target": "y"})
SPLIT = TEXTS.to_dict(orient="split")
RECORDS = NIXTLA.to_dict(orient="records")
SERIES = [
    {"item_id": one.item_id, "start": "2026-01-01T00:00:00Z", "freq": "h", "target": one.values.tolist()}
    for one in PANEL
]
COLUMNS = ["item_id", "timestamp", "mean", "0.1", "0.5", "0.9", "warnings"]


@pytest.fixture(scope="module")
def client(tmp_path_factory, checkpoint) -> Iterator[Client]:
    settings = Settings(home=tmp_path_factory.mktemp("invocations"), default_model="m", max_series=50)
    with serve(settings) as client:
        registry = client.application.state.resources.registry
        registry.register("m", checkpoint)
        registry.point_alias("m", PRODUCTION, 1, actor="test")
        yield client


def post(client: Client, body: object, status: int = 200) -> dict:
    response = client.post("/invocations", json=body)
    assert response.status_code == status, response.text
    return response.json()


@pytest.fixture(scope="module")
def ours(client) -> list[dict]:
    body = {"model": "m", "series": SERIES, "horizon": {"steps": 3}}
    return client.post("/v1/forecasts", json=body).json()["forecasts"]


def test_a_healthy_container_answers_a_ping(client):
    assert client.get("/ping").json()["status"] == "ready"


@pytest.mark.parametrize(
    "form",
    [{"dataframe_split": SPLIT}, {"dataframe_records": RECORDS}, {"instances": RECORDS}],
    ids=["split", "records", "instances"],
)
def test_a_table_is_answered_row_by_row(client, ours, form):
    rows = post(client, form | {"params": {"horizon": 3}})["predictions"]
    assert list(rows[0]) == COLUMNS
    assert [row["item_id"] for row in rows] == ["item-0"] * 3 + ["item-1"] * 3
    assert [row["mean"] for row in rows] == ours[0]["mean"] + ours[1]["mean"]
    assert [row["0.9"] for row in rows[3:]] == ours[1]["quantiles"]["0.9"]
    assert [pd.Timestamp(row["timestamp"]) for row in rows[:3]] == [pd.Timestamp(one) for one in ours[0]["timestamps"]]


def test_instances_may_be_whole_series(client, ours):
    found = post(client, {"instances": SERIES, "params": {"horizon": 3}})["predictions"]
    assert found == ours


def test_without_a_word_the_default_model_forecasts_as_far_as_it_was_trained(client):
    rows = post(client, {"dataframe_split": SPLIT})["predictions"]
    assert len(rows) == 2 * 6


def test_parameters_are_those_of_our_query(client):
    asked = {"model": "m/1", "until": "2026-01-03T13:00:00Z", "quantile_levels": [0.25], "interval_levels": [50]}
    rows = post(client, {"dataframe_records": RECORDS, "params": asked})["predictions"]
    assert [name for name in rows[0] if name[0] == "0"] == ["0.25", "0.75"]
    assert len(rows) == 2 * 2


@pytest.mark.parametrize("media_type", ["text/csv", "text/csv; charset=utf-8"])
def test_csv_is_answered_with_what_accept_prefers(client, ours, media_type):
    content = NIXTLA.to_csv(index=False)
    headers = {"content-type": media_type, "X-Amzn-SageMaker-Custom-Attributes": "horizon=3&quantile_levels=0.1,0.9"}
    as_json = client.post("/invocations", content=content, headers=headers)
    assert [row["mean"] for row in as_json.json()["predictions"]] == ours[0]["mean"] + ours[1]["mean"]
    as_csv = client.post("/invocations", content=content, headers=headers | {"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(as_csv.text)))
    assert list(rows[0]) == ["item_id", "timestamp", "mean", "0.1", "0.9", "warnings"]
    assert [float(row["mean"]) for row in rows[:3]] == ours[0]["mean"]
    by_query = client.post("/invocations?horizon=2", content=content, headers={"content-type": media_type})
    assert len(by_query.json()["predictions"]) == 4


def test_covariates_are_columns_and_one_that_is_not_used_is_a_warning(client, ours):
    records = [{**one, "load": 1.0} for one in RECORDS]
    rows = post(client, {"dataframe_records": records, "params": {"horizon": 3, "past_covariates": "load"}})
    assert [row["mean"] for row in rows["predictions"][:3]] == ours[0]["mean"]
    assert "covariate_unused" in rows["predictions"][0]["warnings"]


def test_nan_is_missing_as_python_writes_it_and_no_other_number_is_too_odd_to_be_refused(client):
    rows = [[row["unique_id"], row["ds"], row["y"]] for row in RECORDS[:60]]
    send = partial(client.post, "/invocations", headers={"content-type": "application/json"})
    body = {"dataframe_split": {"columns": ["unique_id", "ds", "y"], "data": rows}}
    gap = client.post("/invocations", json={**body, "dataframe_split": body["dataframe_split"] | {"data": rows[1:]}})
    for odd, status in (
        ("NaN", 200),
        ("Infinity", 422),
        ("-1e999", 422),
        ("1" + "0" * 30, 200),
        ("1" + "0" * 400, 400),
    ):
        rows[0][2] = "ODD"
        found = send(content=json.dumps(body).replace('"ODD"', odd))
        assert found.status_code == status, (odd, found.text)
        if odd == "NaN":
            assert found.json() == gap.json()


def test_sample_paths_are_answered_beside_quantiles(client):
    asked = {"horizon": 2, "num_samples": 3, "seed": 7}
    (first, _) = post(client, {"instances": SERIES, "params": asked})["predictions"]
    assert [len(path) for path in first["samples"]] == [2, 2, 2]
    assert post(client, {"instances": SERIES, "params": asked})["predictions"][0] == first


def test_a_bad_series_fails_alone_where_that_is_asked_for(client):
    records = [*RECORDS, {"unique_id": "c", "ds": "2026-01-01T00:00:00Z", "y": 1.0}]
    assert post(client, {"dataframe_records": records}, 422)["code"] == "series_too_short"
    rows = post(client, {"dataframe_records": records, "params": {"on_error": "partial"}})["predictions"]
    assert (rows[-1]["item_id"], rows[-1]["problem"], rows[-1]["mean"]) == ("c", "series_too_short", None)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "request_invalid"),
        ([], 422, "request_invalid"),
        ({"inputs": [[1.0]]}, 422, "request_invalid"),
        ({"dataframe_records": []}, 422, "request_invalid"),
        ({"instances": [1.0]}, 422, "request_invalid"),
        ({"dataframe_split": SPLIT, "instances": SERIES}, 422, "request_invalid"),
        ({"dataframe_split": {"columns": ["ds", "y"], "data": [[1]]}}, 422, "request_invalid"),
        ({"dataframe_split": {"columns": ["ds", "y"], "data": []}}, 400, "file_unreadable"),
        ({"dataframe_records": [{"a": 1, "b": 2}]}, 422, "column_unnamed"),
        ({"dataframe_records": [{"ds": [1], "y": {}}]}, 422, None),
        ({"dataframe_records": [{"ds": "soon", "y": 1.0}]}, 422, "cell_invalid"),
        ({"dataframe_records": [{"ds": 17.5, "y": 1.0}]}, 422, "cell_invalid"),
        ({"instances": [{"start": "2026-01-01", "target": [1.0, 2.0]}]}, 422, "request_invalid"),
        ({"instances": [{"unique_id": str(n), "ds": "2026-01-01", "y": 1} for n in range(51)]}, 413, "limit_exceeded"),
        ({"instances": SERIES, "params": {"model": "nobody"}}, 404, "model_not_found"),
        ({"instances": SERIES, "params": {"horizon": "soon"}}, 422, "duration_invalid"),
        ({"instances": SERIES, "params": {"horizon": [3]}}, 422, "request_invalid"),
        ({"instances": SERIES, "params": {"window": 3}}, 422, "request_invalid"),
        ({"instances": SERIES, "params": {"keep": True}}, 422, "option_unsupported"),
        ({"dataframe_records": RECORDS, "params": {"past_covariates": ["none"]}}, 422, "column_missing"),
        ({"instances": SERIES, "params": {"horizon": 3, "until": "2027-01-01"}}, 422, "parameters_missing"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_code(client, body, status, code):
    found = post(client, body, status)
    assert code in (None, found["code"])


def test_a_request_that_names_no_model_needs_a_default(settings):
    with serve(settings) as client:
        assert post(client, {"instances": SERIES}, 422)["code"] == "model_unnamed"


def test_a_body_of_another_kind_is_a_415(client):
    response = client.post("/invocations", content=b"1,2", headers={"content-type": "text/plain"})
    assert (response.status_code, response.json()["code"]) == (415, "media_type_unsupported")
