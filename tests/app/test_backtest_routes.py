import json
import re
import threading
from collections.abc import Iterator

import pytest

from app.stores.references import PRODUCTION
from app.workshop import Workshop
from tests.app.conftest import Client, make_panel, serve

VALUES = [round(float(value), 4) for value in make_panel(1).series[0].values]
SERIES = {"item_id": "a", "start": "2026-01-01T00:00:00Z", "freq": "h", "target": VALUES}


@pytest.fixture
def client(settings, registry, checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


@pytest.fixture
def work(database, datasets, registry, jobs, ledger, settings):
    """Does the job of an address, as a worker would in a process of its own."""
    workshop = Workshop(database, datasets, registry, jobs, ledger, settings.training_path, threading.Event())
    return lambda address: workshop.work(address.rpartition("/")[2])


def ask(client: Client, key: str | None = None, **fields):
    headers = {"Idempotency-Key": key} if key else {}
    source = {} if "dataset" in fields else {"series": [SERIES]}
    return client.post("/v1/backtests", json={"model": "m"} | source | fields, headers=headers)


def test_a_backtest_is_asked_for_done_elsewhere_and_answered_over_all_leads_and_by_lead(client, work):
    accepted = ask(client, horizon=12, num_cutoffs=3, stride=4)
    assert accepted.status_code == 202, accepted.text
    address = accepted.headers["location"]
    queued = client.get(address).json()
    assert (queued["state"], queued["report"], queued["progress"]) == ("queued", None, 0.0)
    assert (queued["model"], queued["version"], queued["asked_for"]) == ("m", 1, "m")
    work(address)
    done = client.get(address).json()
    assert (done["state"], done["progress"], done["error"]) == ("succeeded", 1.0, None)
    report = done["report"]
    assert (report["horizon"], report["num_cutoffs"], report["stride"], report["num_forecasts"]) == (12, 3, 4, 3)
    methods = [one["method"] for one in report["scores"]]
    assert methods == ["longshot", "seasonal_naive", "drift"]
    assert [(one["first_lead"], one["last_lead"]) for one in report["leads"]] == [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 6),
        (7, 12),
    ]
    assert all([score["method"] for score in one["scores"]] == methods for one in report["leads"])
    assert sum(one["num_observations"] for one in report["leads"]) == 36


def test_a_version_names_the_backtests_of_it(client, work):
    first, second = (ask(client).headers["location"] for _ in range(2))
    assert client.get("/v1/models/m/versions/1").json()["backtests"] == []
    work(first)
    work(second)
    assert client.get("/v1/models/m/versions/1").json()["backtests"] == [second, first]
    listed = client.get("/v1/backtests?model=m&version=1&limit=1").json()
    assert [one["id"] for one in listed["data"]] == [second.rpartition("/")[2]]
    assert listed["data"][0]["report"] is None
    more = client.get(f"/v1/backtests?model=m&version=1&cursor={listed['next_cursor']}").json()
    assert [one["id"] for one in more["data"]] == [first.rpartition("/")[2]]
    assert client.get("/v1/backtests?model=n").json()["data"] == []


def test_a_backtest_of_a_dataset_is_that_of_the_same_values_sent_along(client, work):
    dataset = client.post("/v1/datasets", json={"series": [SERIES]}).json()["id"]
    addresses = [
        ask(client, num_cutoffs=2).headers["location"],
        ask(client, num_cutoffs=2, dataset=dataset).headers["location"],
    ]
    for address in addresses:
        work(address)
    reports = [client.get(address).json()["report"] for address in addresses]
    assert reports[0] == reports[1]
    assert reports[0] is not None


def test_the_version_is_the_one_that_the_alias_meant_when_it_was_asked_for(client, work, registry, other_checkpoint):
    address = ask(client, "k").headers["location"]
    registry.register("m", other_checkpoint)
    registry.point_alias("m", PRODUCTION, 2, actor="test")
    assert ask(client, "k").headers["location"] == address
    work(address)
    assert client.get(address).json()["version"] == 1
    assert ask(client).json()["version"] == 2
    other = ask(client, "k", horizon=3)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")


def test_a_backtest_is_followed_and_cancelled_as_a_training_is(client, work):
    address = ask(client).headers["location"]
    cancelled = client.post(f"{address}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    work(address)
    assert client.get(address).json()["attempts"] == 0
    stream = client.get(f"{address}/events")
    events = [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: ")]
    assert [one["state"] for one in events] == ["queued", "cancelled"]
    assert client.get(f"{address}/events", headers={"Last-Event-ID": "2"}).status_code == 204
    assert client.post(f"{address}/cancel").json()["code"] == "job_not_cancellable"


def test_a_backtest_is_no_training_job_and_the_other_way_round(client):
    backtest = ask(client).headers["location"].rpartition("/")[2]
    training = client.post("/v1/training-jobs", json={"model": "m", "series": [SERIES]}).json()["id"]
    for path in (f"training-jobs/{backtest}", f"backtests/{training}"):
        for found in (
            client.get(f"/v1/{path}"),
            client.get(f"/v1/{path}/events"),
            client.post(f"/v1/{path}/cancel"),
        ):
            assert (found.status_code, found.json()["code"]) == (404, "job_not_found")
    assert len(client.get("/v1/training-jobs").json()["data"]) == len(client.get("/v1/backtests").json()["data"]) == 1


def test_a_backtest_that_cannot_be_done_is_refused_with_a_reason(client):
    for fields, status, code in (
        ({"model": "n"}, 404, "model_not_found"),
        ({"model": "m/7"}, 404, "version_not_found"),
        ({"dataset": "ds_unknown"}, 404, "dataset_not_found"),
        ({"horizon": 160}, 422, "series_too_short"),
        ({"num_cutoffs": 10_001}, 413, "limit_exceeded"),
        ({"horizon": 10_001}, 413, "limit_exceeded"),
        ({"horizon": 0}, 422, "request_invalid"),
        ({"dataset": "ds_1", "series": [SERIES]}, 422, "request_invalid"),
        ({"horizons": 3}, 422, "request_invalid"),
    ):
        refused = ask(client, **fields)
        assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert client.get("/v1/backtests").json()["data"] == []


def test_asking_for_a_backtest_is_on_record_and_its_steps_are_counted(client):
    answers = [ask(client, num_cutoffs=2) for _ in range(2)]
    address = answers[1].headers["location"]
    client.post(f"{address}/cancel")
    entries = client.get("/v1/audit-log").json()["data"]
    assert [(one["action"], one["subject"]) for one in entries[:2]] == [
        ("job.cancelled", address),
        ("job.submitted", address),
    ]
    assert entries[1]["details"]["version"] == 1
    left = [int(re.search(r'"points";r=(\d+)', one.headers["ratelimit"])[1]) for one in answers]
    assert left[0] - left[1] == len(VALUES) + 2 * 6
