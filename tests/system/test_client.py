"""The Python client asks a real service with a real worker."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from app.client import AsyncLongshot, DataRefused, JobCancelled, Longshot, NotFound
from tests.system.test_service import TRAINING, VALUES, Service, wait_until

pytestmark = pytest.mark.system

ENDLESS = TRAINING | {"num_epochs": 10_000, "steps_per_epoch": 60}
HOURS = pd.date_range("2026-01-01", periods=len(VALUES), freq="h", tz="Europe/Berlin")
FRAME = pd.DataFrame({"unique_id": np.repeat(["a", "b"], len(VALUES)), "ds": [*HOURS, *HOURS], "y": VALUES * 2})


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("client"))
    service.start()
    yield service
    service.close()


@pytest.fixture
def client(service: Service) -> Iterator[Longshot]:
    with Longshot(str(service.client.base_url)) as client:
        yield client


def test_a_forecast_comes_back_as_the_table_it_was_asked_with(client: Longshot) -> None:
    found = client.forecast(FRAME, model="m/1", horizon=5, interval_levels=[80])
    columns = ["unique_id", "ds", "mean", "0.1", "0.5", "0.9", "lower_80", "upper_80"]
    assert found.frame.columns.tolist() == columns
    assert found.frame["unique_id"].tolist() == ["a"] * 5 + ["b"] * 5
    assert found.frame["ds"].tolist()[:5] == pd.date_range(HOURS[-1], periods=6, freq="h").tolist()[1:]
    assert (found.frame["lower_80"] == found.frame["0.1"]).all()
    assert (found.model, len(found.notes)) == ("m/1", 3)
    again = client.forecast(pa.Table.from_pandas(FRAME), model="m/1", horizon=5, interval_levels=[80])
    pd.testing.assert_frame_equal(again.frame.to_pandas(), found.frame)


def test_what_is_packed_both_ways_is_the_same(service: Service, client: Longshot) -> None:
    many = pd.concat([FRAME.assign(unique_id=FRAME["unique_id"] + str(number)) for number in range(20)])
    with Longshot(str(service.client.base_url), compress=True) as other:
        packed, plain = (one.forecast(many, model="m/1", horizon=50).frame for one in (other, client))
    pd.testing.assert_frame_equal(packed, plain)


def test_every_way_to_say_how_far_is_the_same_way(client: Longshot) -> None:
    one = FRAME.query("unique_id == 'a'")
    ahead = pd.date_range(HOURS[-1], periods=4, freq="h")[1:]
    ways = [3, "3h", pd.Timedelta(hours=3), ahead[-1], ahead[-1].isoformat(), list(ahead), [*map(str, ahead)]]
    found = [client.forecast(one, model="m/1", horizon=way).frame for way in ways]
    for each in found[1:]:
        pd.testing.assert_frame_equal(each, found[0])


def test_a_forecast_of_a_dataset_is_that_of_its_table(client: Longshot) -> None:
    dataset = client.upload(FRAME)
    assert (dataset.num_series, client.upload(dataset.id).id) == (2, client.upload(FRAME.sample(frac=1)).id)
    named, sent = (client.forecast(one, model="m/1", horizon=3).frame for one in (dataset.id, FRAME))
    np.testing.assert_allclose(named["mean"], sent["mean"])


def test_one_bad_series_fails_alone_and_a_warning_names_its_series(client: Longshot) -> None:
    short = pd.concat([FRAME.iloc[-1:].assign(unique_id="short"), FRAME])
    with pytest.raises(DataRefused) as raised:
        client.forecast(short, model="m/1", horizon=3)
    assert (raised.value.code, raised.value.problem.item_id) == ("series_too_short", "short")
    found = client.forecast(short, model="m/1", horizon=30, on_error="partial")
    assert [(one.item_id, one.code) for one in found.failures] == [("short", "series_too_short")]
    assert set(found.frame["unique_id"]) == {"a", "b"}
    assert {name: "past_calibrated_lead" in codes for name, codes in found.warnings.items()} == {"a": True, "b": True}


def test_a_version_is_trained_examined_promoted_and_rolled_back(client: Longshot) -> None:
    job = client.fit(FRAME, model="other", policy="promote", idempotency_key="once", **TRAINING)
    again = client.fit(FRAME, model="other", policy="promote", idempotency_key="once", **TRAINING)
    assert (job.version, again.id, job.state.epoch) == ("other/1", job.id, 2)
    second = client.fit(FRAME, model="other", policy="register", **TRAINING)
    assert second.version == "other/2"
    assert client.promote("other", 2).version == 2
    assert client.rollback("other").version == 1
    assert {one.name: one.aliases for one in client.models()}["other"] == {"production": 1}
    tested = client.backtest(FRAME, model="other", num_cutoffs=2)
    assert set(tested.scores["method"]) > {"longshot", "seasonal_naive"}
    assert tested.scores_by_lead["last_lead"].max() == TRAINING["horizon"]


def test_what_the_service_refuses_is_raised_by_its_kind(client: Longshot) -> None:
    with pytest.raises(NotFound, match="model_not_found"):
        client.forecast(FRAME, model="nobody", horizon=3)
    with pytest.raises(DataRefused) as raised:
        client.fit(FRAME, model="m", horizn=3)
    assert raised.value.problem.pointer == "/options/horizn"


def test_a_job_is_watched_cancelled_and_resumed(client: Longshot) -> None:
    job = client.fit(FRAME, model="m", wait=False, **ENDLESS)
    states = job.watch()
    next(one for one in states if one.state == "running")
    job.cancel()
    assert [one.state for one in states][-1] == "cancelled"
    with pytest.raises(JobCancelled):
        job.wait()
    assert job.resume().state in ("queued", "running")
    job.cancel()
    wait_until(lambda: job.look().has_ended, "the job to end")


def test_anomalies_and_findings_are_tables(client: Longshot) -> None:
    odd = FRAME.copy()
    odd.loc[odd.index[-1], "y"] = 1000.0
    found = client.detect_anomalies(odd, model="m/1", last=4)
    assert len(found.frame) == 8
    assert found.found["unique_id"].tolist()[-1] == "b"
    assert found.found["ds"].tolist()[-1] == HOURS[-1]
    audit = client.audit(pd.concat([FRAME, FRAME.iloc[:1]]))
    assert not audit.is_accepted
    assert "duplicate_timestamps" in set(audit.frame["code"])
    assert client.audit(FRAME).is_accepted


def test_several_questions_are_asked_at_once_from_an_event_loop(service: Service) -> None:
    async def ask() -> list[int]:
        async with AsyncLongshot(str(service.client.base_url)) as client:
            assert (await client.health()).is_ready
            asked = (client.forecast(FRAME, model="m/1", horizon=steps) for steps in (1, 2, 3))
            return [one.table.num_rows for one in await asyncio.gather(*asked)]

    assert asyncio.run(ask()) == [2, 4, 6]
