"""Over HTTP: what an audit says, and how a dataset grows."""

import io
from collections.abc import Iterator

import pandas as pd
import pytest

from app.settings import Settings
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Checkpoint
from tests.app.test_server import SERIES, VALUES, Client, ask, refused, serve

TABLE = {"content-type": "text/csv"}


@pytest.fixture
def client(settings: Settings, registry: Registry, checkpoint: Checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


def codes(audit: dict) -> set[str]:
    return {one["code"] for one in audit["tallies"]} | {one["code"] for one in audit["findings"]}


def test_an_audit_describes_what_an_upload_refuses_and_stores_nothing(client):
    timestamps = ["2026-01-01T00:00", "2026-01-01T01:00", "2026-01-01T01:00", "soon", 5]
    body = {"series": [{"item_id": "a", "timestamps": timestamps, "target": [1, "many", 3, None, True]}]}
    audit = client.post("/v1/audits", json=body)
    assert audit.status_code == 200, audit.text
    assert not audit.json()["is_accepted"]
    assert {"value_invalid", "timestamp_invalid"} <= codes(audit.json())
    (item,) = audit.json()["items"]
    places = {one["code"]: one["positions"] for one in item["findings"]}
    assert (places["value_invalid"], places["timestamp_invalid"]) == ([1, 4], [3, 4])
    assert all(one["fix"] for one in item["findings"])
    assert client.get("/v1/datasets").json()["data"] == []


def test_an_audit_of_a_table_names_the_lines_and_has_the_code_of_the_refusal(client):
    table = "timestamp,target\n2026-01-01,1\n2026-01-02,many\n\nsoon,3\n2026-01-05,4\n"
    audit = client.post("/v1/audits", content=table, headers=TABLE).json()
    lines = [one["lines"] for one in audit["items"][0]["findings"] if one["code"] == "cell_invalid"]
    assert sorted(lines) == [[3], [5]]
    refused(client.post("/v1/datasets", content=table, headers=TABLE), 422, "cell_invalid")


def test_an_audit_bounds_what_it_says(client):
    rows = "".join(f"item-{item},2026-01-01T{hour:02}:00,7\n" for item in range(50) for hour in range(24))
    audit = client.post("/v1/audits?max_items=2", content="item_id,timestamp,target\n" + rows, headers=TABLE).json()
    assert (len(audit["items"]), audit["num_items_left_out"], audit["num_items"]) == (2, 48, 50)
    assert {"code": "constant", "severity": "warning", "num_items": 50, "count": 1200} in audit["tallies"]


def test_an_audit_knows_the_horizon_and_the_time_zone_that_are_wanted(client):
    body = {"series": [SERIES], "horizon": 50}
    assert "series_too_short" in codes(client.post("/v1/audits", json=body).json())
    naive = {"series": [{"timestamps": ["2026-03-29T02:30", "2026-03-29T04:30"], "target": [1, 2]}]}
    audit = client.post("/v1/audits", json=naive | {"time_zone": "Europe/Berlin"}).json()
    assert "local_times_nonexistent" in codes(audit)
    refused(client.post("/v1/audits", json=naive | {"time_zone": "Nowhere"}), 422, "configuration_invalid")


def test_a_stored_dataset_can_be_audited(client):
    dataset = client.post("/v1/datasets", json={"series": [SERIES]}).json()
    assert dataset["audit"]["num_observations"] == 60
    audit = client.post("/v1/audits", json={"series": [{"dataset": dataset["id"]}]}).json()
    assert audit["num_observations"] == 60
    refused(client.post("/v1/audits", json={"series": [{"dataset": "ds_none"}]}), 404, "dataset_not_found")


def test_a_forecast_by_dataset_equals_the_forecast_of_the_same_values_also_after_an_append(client):
    created = client.post("/v1/datasets", json={"series": [SERIES | {"target": VALUES[:40]}]})
    times = [one.isoformat() for one in pd.date_range("2026-01-01", periods=60, freq="h", tz="UTC")]
    more = {"series": [{"item_id": "a", "timestamps": times[38:], "target": VALUES[38:]}]}
    appended = client.post(f"{created.headers['location']}/observations", json=more)
    assert appended.status_code == 200, appended.text
    content = appended.json()
    assert (content["num_added"], content["num_known"], content["revision"]) == (20, 2, 2)
    assert content["id"] == created.json()["id"]
    by_id = ask(client, series=[{"item_id": "a", "dataset": content["id"]}])
    assert by_id.json()["forecasts"] == ask(client).json()["forecasts"]
    revisions = client.get(f"{created.headers['location']}/revisions").json()["data"]
    assert [one["revision"] for one in revisions] == [2, 1]
    assert revisions[1]["digest"] == created.json()["digest"]


def test_tables_are_appended_as_they_are_uploaded(client):
    created = client.post("/v1/datasets", json={"series": [SERIES]})
    frame = pd.DataFrame({"when": pd.date_range("2026-01-03T12:00Z", periods=3, freq="h"), "y": [1.0, 2.0, 3.0]})
    frame["item"] = "a"
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    path = f"{created.headers['location']}/observations?item_id=item&timestamp=when&target=y"
    first = client.post(path, content=frame.to_csv(index=False), headers=TABLE)
    again = client.post(path, content=parquet.getvalue(), headers={"content-type": "application/vnd.apache.parquet"})
    assert (first.json()["num_added"], again.json()["num_added"], again.json()["num_known"]) == (3, 0, 3)
    assert again.json()["digest"] == first.json()["digest"]


def test_a_contradiction_is_a_409_that_names_item_and_timestamp(client):
    created = client.post("/v1/datasets", json={"series": [SERIES]})
    path = f"{created.headers['location']}/observations"
    problem = refused(client.post(path, json={"series": [SERIES | {"target": [7.0]}]}), 409, "observation_conflict")
    assert problem["item_id"] == "a"
    assert "2026-01-01T00:00:00" in problem["detail"]
    naive = SERIES | {"start": "2026-01-01"}
    refused(client.post(path, json={"series": [naive]}), 422, "time_zones_mixed")
    refused(client.post("/v1/datasets/ds_none/observations", json={"series": [SERIES]}), 404, "dataset_not_found")


def test_an_append_can_insist_on_the_content_its_sender_saw(client):
    created = client.post("/v1/datasets", json={"series": [SERIES | {"target": VALUES[:40]}]})
    path, tag = f"{created.headers['location']}/observations", created.headers["etag"]
    assert client.post(path, json={"series": [SERIES]}, headers={"if-match": tag}).status_code == 200
    refused(client.post(path, json={"series": [SERIES]}, headers={"if-match": tag}), 412, "dataset_changed")
    refused(client.post(path, json={"series": [SERIES]}, headers={"if-match": "x"}), 400, "precondition_invalid")


def test_the_examples_of_the_interface_are_answered(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    (example,) = schemas["AuditRequest"]["examples"]
    assert client.post("/v1/audits", json=example).status_code == 200
    (upload,), (more,) = schemas["DatasetRequest"]["examples"], schemas["ObservationsRequest"]["examples"]
    created = client.post("/v1/datasets", json=upload)
    appended = client.post(f"{created.headers['location']}/observations", json=more)
    assert appended.json()["num_added"] == 2


def test_the_problems_of_a_route_are_documented(client):
    paths = client.get("/openapi.json").json()["paths"]
    append = paths["/v1/datasets/{dataset_id}/observations"]["post"]["responses"]
    assert "`observation_conflict`" in append["409"]["description"]
    assert "application/problem+json" in append["412"]["content"]
    for path in ("/v1/audits", "/v1/anomalies", "/v1/datasets"):
        assert {"400", "413", "415", "422"} <= set(paths[path]["post"]["responses"])
