"""Every call of the package of TimeGPT, against a live service; test_nixtla.py runs it where it is installed.

Which one, and with which key, the environment says; the model `m` there was trained on hours, and is the default.
"""

import logging
import os
import time
import warnings

import httpx
import numpy as np
import pandas as pd
from nixtla import ApiError, JobCancelledError, NixtlaClient

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

client = NixtlaClient()
random = np.random.default_rng(0)


def frame(times: pd.Index, names: str = "ab", season: int = 24) -> pd.DataFrame:
    steps = np.arange(len(times))
    parts = []
    for number, name in enumerate(names):
        values = 10 + number + np.sin(2 * np.pi * steps / season) + 0.05 * random.normal(size=len(times))
        parts.append(pd.DataFrame({"unique_id": name, "ds": times, "y": values}))
    return pd.concat(parts, ignore_index=True)


def refused(status: int, code: str, call: object, *args: object, **options: object) -> str:
    try:
        call(*args, **options)
    except ApiError as error:
        found = error
    else:
        raise AssertionError(f"{call} was answered")
    assert (found.status_code, found.body["code"]) == (status, code), found
    return found.body["detail"]


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, rtol=1e-4)


HOURS = pd.date_range("2026-01-01", periods=160, freq="h")
hourly = frame(HOURS)


def keys_and_usage() -> None:
    assert client.validate_api_key()
    assert not NixtlaClient(api_key="lsk_wrong").validate_api_key()
    before, after = client.usage()["minute"], client.usage()["minute"]
    assert after["used"] == before["used"] + 1 <= after["limit"]
    assert client.list_models() == ["m"]


def forecasts() -> None:
    found = client.forecast(hourly, h=5, level=[80, 99.5])
    names = [f"TimeGPT-{side}-{level}" for side in ("hi", "lo") for level in ("80", "99.5")]
    assert found.columns.tolist() == ["unique_id", "ds", "TimeGPT", *names]
    assert found["ds"].tolist() == pd.date_range(HOURS[-1], periods=6, freq="h").tolist()[1:] * 2
    assert (found["TimeGPT-lo-99.5"] <= found["TimeGPT-lo-80"]).all()
    same(client.forecast(hourly, h=5, level=[80, 99.5], num_partitions=2, model="m/1"), found)
    quantiles = client.forecast(hourly, h=5, quantiles=[0.1, 0.5, 0.9], model="m")
    assert quantiles.columns.tolist()[3:] == ["TimeGPT-q-10", "TimeGPT-q-50", "TimeGPT-q-90"]
    np.testing.assert_allclose(quantiles["TimeGPT-q-90"], found["TimeGPT-hi-80"], rtol=1e-4)
    assert client.forecast(hourly.drop(columns="unique_id")[:160], h=2).columns.tolist() == ["ds", "TimeGPT"]
    renamed = hourly.rename(columns={"unique_id": "shop", "ds": "when", "y": "sold"})
    found = client.forecast(renamed, h=2, id_col="shop", time_col="when", target_col="sold")
    assert found.columns.tolist() == ["shop", "when", "TimeGPT"]


def history() -> None:
    found = client.forecast(hourly, h=5, level=[80], add_history=True)
    assert found["unique_id"].tolist() == ["a"] * 137 + ["b"] * 137
    assert found["ds"].tolist()[:137] == pd.date_range(HOURS[28], periods=137, freq="h").tolist()
    assert found.notna().all().all()


def large_bodies() -> None:
    times = pd.date_range("2026-01-01", periods=200, freq="h")
    names = [f"{number:03}" for number in range(500)]
    many = pd.concat([frame(times, "a").assign(unique_id=name) for name in names])
    found = client.forecast(many, h=1, level=[50])
    assert found["unique_id"].tolist() == names


def cross_validations() -> None:
    found = client.cross_validation(hourly, h=4, n_windows=3, step_size=2, level=[90], refit=True)
    assert found.columns.tolist() == ["unique_id", "ds", "cutoff", "y", "TimeGPT", "TimeGPT-hi-90", "TimeGPT-lo-90"]
    cutoffs = [HOURS[-9]] * 4 + [HOURS[-7]] * 4 + [HOURS[-5]] * 4
    assert found["cutoff"].tolist() == cutoffs * 2
    assert (found["ds"] > found["cutoff"]).all()
    joined = found.merge(hourly, on=["unique_id", "ds"])
    assert (joined["y_x"] == joined["y_y"]).all()
    quantiles = client.cross_validation(hourly, h=4, n_windows=3, step_size=2, quantiles=[0.05], num_partitions=2)
    np.testing.assert_allclose(quantiles["TimeGPT-q-5"], found["TimeGPT-lo-90"], rtol=1e-4)


def anomalies() -> None:
    odd = hourly.copy()
    odd.loc[odd.index[-3], "y"] = 1000.0
    found = client.detect_anomalies(odd)
    assert found.columns.tolist() == ["unique_id", "ds", "y", "TimeGPT", "TimeGPT-hi-99", "TimeGPT-lo-99", "anomaly"]
    assert len(found) == 2 * (160 - 24)
    assert found.loc[found["y"] == 1000.0, "anomaly"].all()
    online = client.detect_anomalies_online(odd, h=2, detection_size=10, level=90)
    assert online.columns.tolist()[3:] == ["TimeGPT", "anomaly", "anomaly_score", "TimeGPT-hi-90", "TimeGPT-lo-90"]
    assert online["ds"].tolist() == HOURS[-10:].tolist() * 2
    assert online.loc[online["y"] == 1000.0, "anomaly"].tolist() == [True]
    assert (online["anomaly"] == (online["anomaly_score"] > 1)).all()
    same(client.detect_anomalies_online(odd, h=2, detection_size=10, level=90, num_partitions=2), online)


def paths() -> None:
    found = client.simulate(hourly, h=4, n_paths=50, seed=1, poll_interval=0.1)
    assert found.columns.tolist() == ["unique_id", "ds", "sample_id", "TimeGPT", "coupled"]
    assert (len(found), found["sample_id"].nunique()) == (50 * 2 * 4, 50)
    middle = found.groupby(["unique_id", "ds"])["TimeGPT"].median()
    expected = client.forecast(hourly, h=4).set_index(["unique_id", "ds"])["TimeGPT"]
    assert (middle - expected).abs().max() < 1.0
    same(client.simulate(hourly, h=4, n_paths=50, seed=1, poll_interval=0.1), found)
    assert len(client.simulate(hourly, h=4, n_paths=3, num_partitions=2, poll_interval=0.1)) == 3 * 2 * 4


def time_zones() -> None:
    for zone in ("UTC", "Europe/Berlin", "Asia/Kolkata"):
        times = pd.date_range("2026-03-25", periods=160, freq="h", tz=zone)
        found = client.forecast(frame(times, "a"), h=30, freq="h")
        assert found["ds"].tolist() == pd.date_range(times[-1], periods=31, freq="h").tolist()[1:]


def months_and_integers() -> None:
    months = pd.date_range("2018-01-01", periods=72, freq="MS")
    monthly = frame(months, season=12)
    assert "freq" in refused(422, "option_unsupported", client.forecast, monthly, h=3, freq="MS")
    assert client.finetune(monthly, freq="MS", finetune_steps=50, output_model_id="months") == "months"
    again = client.finetune(monthly, freq="MS", finetune_steps=5, finetuned_model_id="months", output_model_id="more")
    assert client.finetuned_model(again).base_model_id == "months/1"
    assert len(client.forecast(monthly, h=3, freq="MS", model=again)) == 6
    assert client.delete_finetuned_model(again)
    for freq, times in (("MS", months), ("M", pd.date_range("2018-01-31", periods=72, freq="ME"))):
        ends = monthly.assign(ds=[*times, *times])
        found = client.forecast(ends, h=14, freq=freq, finetuned_model_id="months", level=[80])
        assert found["ds"].tolist()[:14] == pd.date_range(times[-1], periods=15, freq=freq).tolist()[1:]
    integers = monthly.assign(ds=[*range(72), *range(72)])
    found = client.forecast(integers, h=3, freq=1, model="months")
    assert found["ds"].tolist() == [72, 73, 74] * 2
    tested = client.cross_validation(integers, h=3, freq=1, n_windows=2, model="months")
    assert tested["cutoff"].tolist() == [65, 65, 65, 68, 68, 68] * 2


def business_days_and_jobs() -> None:
    days = pd.date_range("2025-01-01", periods=120, freq="B")
    daily = frame(days, season=5)
    job = client.jobs.finetune(daily, freq="B", finetune_steps=50, output_model_id="days")
    assert (job.wait(poll_interval=0.2), job.status) == ("days", "succeeded")
    found = client.jobs.forecast(daily, h=7, freq="B", model="days").wait(poll_interval=0.1)
    assert found["ds"].tolist()[:7] == pd.bdate_range(days[-1], periods=8).tolist()[1:]
    same(found, client.forecast(daily, h=7, freq="B", model="days"))
    tested = client.jobs.cross_validation(daily, h=2, freq="B", n_windows=2, model="days").wait(poll_interval=0.1)
    assert tested["cutoff"].drop_duplicates().tolist() == days[[-5, -3]].tolist()
    judged = client.jobs.detect_anomalies(daily, h=2, detection_size=4, freq="B", model="days")
    assert judged.wait(poll_interval=0.1)["ds"].tolist() == days[-4:].tolist() * 2
    endless = client.jobs.finetune(daily, freq="B", finetune_steps=100_000, output_model_id="never")
    endless.cancel()
    try:
        endless.wait(poll_interval=0.2)
    except JobCancelledError:
        return
    raise AssertionError("the job was not cancelled")


def train_with_covariates(table: pd.DataFrame) -> None:
    """Trains `driven`; the package itself sends no features to train on."""
    longshot = httpx.Client(
        base_url=os.environ["NIXTLA_BASE_URL"].removesuffix("/compat/nixtla"),
        headers={"Authorization": f"Bearer {os.environ['NIXTLA_API_KEY']}"},
    )
    series = {"start": "2026-01-01", "freq": "h", "target": table["y"].tolist(), "future_covariates": {"promo": []}}
    series["past_covariates"] = {name: table[name].tolist() for name in ("promo", "weather")}
    options = {"horizon": 6, "context_length": 24, "state_size": 4, "num_particles": 2, "num_epochs": 2}
    body = {"model": "driven", "series": [series], "options": options | {"steps_per_epoch": 5, "batch_size": 4}}
    answer = longshot.post("/v1/training-jobs", json=body)
    assert answer.status_code == 202, answer.text
    while longshot.get(answer.headers["location"]).json()["state"] != "succeeded":
        time.sleep(0.2)


def features() -> None:
    times = pd.date_range("2026-01-01", periods=165, freq="h")
    table = frame(times, "a").assign(promo=(np.arange(165) % 9 == 0) * 1.0, weather=random.normal(size=165))
    table["y"] += 3 * table["promo"]
    past, later = table[:160], table[160:][["unique_id", "ds", "promo"]]
    train_with_covariates(past)
    known = {"X_df": later, "hist_exog_list": ["weather"], "model": "driven"}
    found = client.forecast(past, h=5, level=[80], **known)
    assert found["ds"].tolist() == times[160:].tolist()
    other = client.forecast(past, h=5, level=[80], **known | {"X_df": later.assign(promo=9.0)})
    assert (found["TimeGPT"] != other["TimeGPT"]).all()
    same(client.forecast(past, h=5, level=[80], model_parameters={"features": ["promo", "weather"]}, **known), found)
    assert len(client.forecast(past, h=5, add_history=True, **known)) == 132 + 5
    tested = client.cross_validation(past, h=4, n_windows=2, hist_exog_list=["weather"], model="driven")
    assert tested["ds"].tolist() == times[152:160].tolist()
    judged = client.detect_anomalies_online(past, h=2, detection_size=4, hist_exog_list=["weather"], model="driven")
    assert judged["ds"].tolist() == times[156:160].tolist()
    assert "in advance" in refused(422, "option_unsupported", client.forecast, past, h=5, hist_exog_list=["weather"],
                                   model="driven")  # fmt: skip
    assert "trained without" in refused(422, "option_unsupported", client.forecast, past, h=5, X_df=later, model="m")
    refused(422, "covariate_missing", client.forecast, past[["unique_id", "ds", "y"]], h=5, model="driven")


def models() -> None:
    listed = client.finetuned_models(as_df=True).set_index("id")
    assert listed["freq"].to_dict() == {"days": "B", "driven": "h", "m": "h", "months": "MS"}
    assert client.finetuned_model("months").steps == 50
    assert client.delete_finetuned_model("months")
    assert not client.delete_finetuned_model("months")
    assert not client.delete_finetuned_model("m")
    assert client.list_models() == ["days", "driven", "m"]
    refused(404, "version_not_found", client.forecast, hourly, h=2, finetuned_model_id="months")


def refusals() -> None:
    refused(422, "option_unsupported", client.forecast, hourly, h=2, finetune_steps=5)
    refused(422, "option_unsupported", client.forecast, hourly, h=2, multivariate=True)
    refused(422, "option_unsupported", client.forecast, hourly, h=2, feature_contributions=True, date_features=["hour"])
    refused(422, "call_unsupported", client.explain, hourly.assign(x=1.0))


for step in (
    keys_and_usage,
    forecasts,
    history,
    large_bodies,
    cross_validations,
    anomalies,
    paths,
    time_zones,
    months_and_integers,
    business_days_and_jobs,
    features,
    models,
    refusals,
):
    step()
