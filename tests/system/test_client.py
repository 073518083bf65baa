"""The Python client asks a real service with a real worker."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import model
from app.client import AsyncLongshot, Conflict, DataRefused, FrameUnusable, JobCancelled, Longshot, NotFound
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


def test_a_table_of_polars_is_forecast_audited_and_judged_as_one_of_pandas(client: Longshot) -> None:
    frame = pl.DataFrame({"unique_id": FRAME["unique_id"].tolist(), "y": FRAME["y"].tolist()}).with_columns(
        ds=pl.Series(FRAME["ds"].tolist()).dt.convert_time_zone("Europe/Berlin"),
        unique_id=pl.col("unique_id").cast(pl.Categorical),
    )
    found, same = (client.forecast(one, model="m/1", horizon=5).frame for one in (frame, FRAME))
    assert found.schema["ds"] == pl.Datetime("us", "Europe/Berlin")
    assert found["mean"].to_list() == same["mean"].tolist()
    assert client.audit(frame).is_accepted
    assert client.upload(frame.lazy()).id == client.upload(FRAME).id
    assert isinstance(client.detect_anomalies(frame, model="m/1", last=2).frame, pl.DataFrame)


def test_a_table_in_parts_is_forecast_as_one_in_one_piece(client: Longshot) -> None:
    mixed = FRAME.sample(frac=1, random_state=0)
    parts = list(client.forecast_in_parts(mixed, model="m", horizon=3, series_per_part=1))
    whole = client.forecast(mixed, model="m", horizon=3)
    assert [len(one.frame) for one in parts] == [3, 3]
    joined = pd.concat([one.frame for one in parts], ignore_index=True)
    pd.testing.assert_frame_equal(joined, whole.frame)


def test_more_than_one_request_may_hold_is_forecast_judged_and_kept_all_the_same(
    client: Longshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.client.parts._SMALL_ROWS", 1)
    monkeypatch.setattr("app.client.parts._BODY_SHARE", 1e-4)
    monkeypatch.setattr("app.client.asking._LARGE_BYTES", 1)
    split = client.forecast(FRAME, model="m", horizon=3)
    judged = client.detect_anomalies(FRAME, model="m", last=3)
    kept = client.upload(FRAME)
    monkeypatch.undo()
    pd.testing.assert_frame_equal(split.frame, client.forecast(FRAME, model="m", horizon=3).frame)
    pd.testing.assert_frame_equal(judged.frame, client.detect_anomalies(FRAME, model="m", last=3).frame)
    assert kept.id == client.upload(FRAME).id


def test_a_dataset_grows_and_contradictions_are_conflicts(client: Longshot) -> None:
    first, rest = FRAME.iloc[:100].assign(unique_id="grown"), FRAME.iloc[:110].assign(unique_id="grown")
    dataset = client.upload(first)
    grown = client.append(dataset.id, rest)
    assert (grown.revision, grown.num_observations, grown.num_added, grown.num_known) == (2, 110, 10, 100)
    with pytest.raises(Conflict) as raised:
        client.append(dataset.id, rest.assign(y=0.0))
    assert raised.value.code == "observation_conflict"


def test_a_version_is_downloaded_and_answers_without_a_service(client: Longshot, tmp_path: Path) -> None:
    file = client.download("m", tmp_path / "m.tar")
    assert [one.name for one in tmp_path.iterdir()] == ["m.tar"]
    here = model.load(file).forecast(
        model.Panel.from_frame(FRAME, item_id="unique_id", timestamp="ds", target="y"), model.Steps(3)
    )
    there = client.forecast(FRAME, model=str(client.versions("m")[-1]), horizon=3)
    np.testing.assert_allclose(here.to_frame()["mean"], there.frame["mean"])


def test_covariates_are_trained_on_asked_with_and_kept(client: Longshot) -> None:
    steps = np.arange(170)
    hours = pd.date_range("2026-01-01", periods=170, freq="h")
    sold = pd.DataFrame({"ds": hours, "promo": steps % 7 == 0, "rain": (steps % 5) * 1.0, "kind": "mall"})
    sold["y"] = np.where(steps < 160, 10 + 5 * sold["promo"], np.nan)
    sold["rain"] = sold["rain"].where(steps < 160)
    named = {"target": "y", "covariates": {"past": ["rain"], "future": ["promo"], "static": ["kind"]}}
    job = client.fit(sold, model="sold", policy="promote", **named, **TRAINING)
    found = client.forecast(sold, model="sold", horizon=6, **named)
    assert not any("covariate_unused" in codes for codes in found.warnings.values())
    dataset = client.upload(sold, **named)
    stored = client.forecast(dataset.id, model=str(job.version), horizon=6)
    np.testing.assert_allclose(found.frame["mean"], stored.frame["mean"])
    judged = client.detect_anomalies(sold, model="sold", last=4, **named)
    assert len(judged.frame) == 4
    assert judged.frame["expected"].tolist() == pytest.approx(
        client.detect_anomalies(dataset.id, model="sold", last=4).frame["expected"].tolist()
    )
    with pytest.raises(DataRefused) as raised:
        client.forecast(sold.iloc[:160], model="sold", horizon=6, **named)
    assert raised.value.code == "covariate_missing"
    with pytest.raises(FrameUnusable, match="knows its covariates"):
        client.forecast(dataset.id, model="sold", horizon=6, covariates={"future": ["promo"]})


def test_a_job_is_found_again_by_its_id(client: Longshot) -> None:
    jobs = [
        client.fit(FRAME, model="again", policy="register", **TRAINING),
        client.backtest(FRAME, model="m/1", num_cutoffs=1),
    ]
    found = [client.job(one.id) for one in jobs]
    assert [one.state for one in found] == [one.state for one in jobs]
    assert found[1].scores.equals(jobs[1].scores)
    with pytest.raises(NotFound):
        client.job("job_0")


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
