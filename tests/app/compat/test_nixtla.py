"""The protocol of TimeGPT, translated to ours and back: every answer is that of our own routes, row by row."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import httpx
import numpy as np
import pytest

from app.compat.nixtla import finetuned
from app.compat.nixtla.finetuning import to_options
from app.compat.nixtla.frequencies import are_same_step, modern
from app.compat.nixtla.payloads import FinetunePayload
from app.errors import ModelNotFound
from app.jobs.values import TrainingJob
from app.settings import Settings
from app.stores.audit_log import AuditLog
from app.stores.keyring import Keyring
from app.stores.references import PRODUCTION
from model import Panel, RawCovariates, Series, choose_config, fit
from tests.app.conftest import TINY, Client, make_panel, serve

ROOT = "/compat/nixtla"
START = "2026-01-01T00:00:00+00:00"
VALUES = [one.values.tolist() for one in make_panel(num_items=2, length=100)]
SERIES = {"y": [*VALUES[0], *VALUES[1][:60]], "sizes": [100, 60], "start_datetime": [START, START]}
OURS = [
    {"item_id": "a", "start": START, "freq": "h", "target": VALUES[0]},
    {"item_id": "b", "start": START, "freq": "h", "target": VALUES[1][:60]},
]
FORECAST = {"series": SERIES, "model": "m", "freq": "H", "h": 3, "level": None}
WINDOWS = FORECAST | {"n_windows": 2, "step_size": 4, "hist_exog": None, "refit": True}
JUDGE = {"series": SERIES, "model": "m", "freq": "h", "level": 99}
ONLINE = JUDGE | {"h": 2, "detection_size": 5, "threshold_method": "univariate", "step_size": None}
TUNE = {"series": {"y": VALUES[0], "sizes": [100]}, "model": "timegpt-1", "freq": "h", "output_model_id": "tuned"}


@pytest.fixture(scope="module")
def client(tmp_path_factory, checkpoint) -> Iterator[Client]:
    """For tests that change nothing."""
    with serve(Settings(home=tmp_path_factory.mktemp("nixtla"))) as client:
        registry = client.application.state.resources.registry
        registry.register("m", checkpoint)
        registry.point_alias("m", PRODUCTION, 1, actor="test")
        yield client


@pytest.fixture
def fresh(settings, registry, checkpoint) -> Iterator[Client]:
    """A service of its own."""
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


def post(client: Client, path: str, body: dict, status: int = 200) -> dict:
    response = client.post(ROOT + path, json=body)
    assert response.status_code == status, response.text
    return response.json()


def refused(response: httpx.Response, status: int, code: str) -> str:
    found = response.json()
    assert (response.status_code, found["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    return found["detail"]


def ours(client: Client, series: list[dict], steps: int, levels: list[float]) -> list[dict]:
    body = {"model": "m", "series": series, "horizon": {"steps": steps}, "quantile_levels": levels}
    return client.post("/v1/forecasts", json=body).json()["forecasts"]


def test_a_forecast_is_that_of_our_own_route_series_by_series(client):
    found = post(client, "/v2/forecast", FORECAST | {"level": [80, 99.5, 0, 80]})
    expected = ours(client, OURS, 3, [0.0025, 0.1, 0.5, 0.9, 0.9975])
    assert found["mean"] == [value for one in expected for value in one["quantiles"]["0.5"]]
    names = {"lo-80": "0.1", "hi-80": "0.9", "lo-99.5": "0.0025", "hi-99.5": "0.9975", "lo-0": "0.5", "hi-0": "0.5"}
    for name, level in names.items():
        assert found["intervals"][name] == [value for one in expected for value in one["quantiles"][level]]
    assert found["intervals"].keys() == names.keys()
    warned = [(one["series"], one["code"]) for one in found["warnings"]]
    names = {"a": "series[0]", "b": "series[1]"}
    assert warned == [(names[one["item_id"]], two["code"]) for one in expected for two in one["warnings"]]
    assert (found["model"], found["weights_x"]) == ("m/1", None)


def test_without_levels_there_are_no_intervals(client):
    assert post(client, "/v2/forecast", FORECAST)["intervals"] is None


def test_what_is_not_known_at_the_end_is_forecast_past(client):
    series = {"y": [*VALUES[0][:-2], None, None], "sizes": [100], "start_datetime": [START]}
    found = post(client, "/v2/forecast", FORECAST | {"series": series})
    (expected,) = ours(client, [OURS[0] | {"target": VALUES[0][:-2]}], 5, [0.5])
    assert found["mean"] == expected["quantiles"]["0.5"][2:]


def test_a_cross_validation_forecasts_each_window_from_what_lies_before_it(client):
    found = post(client, "/v2/cross_validation", WINDOWS | {"level": [80]})
    assert found["sizes"] == [6, 6]
    assert found["idxs"] == [93, 94, 95, 97, 98, 99, 153, 154, 155, 157, 158, 159]
    cut = [OURS[0] | {"item_id": str(stop), "target": VALUES[0][:stop]} for stop in (93, 97)]
    cut += [OURS[1] | {"item_id": f"b{stop}", "target": VALUES[1][:stop]} for stop in (53, 57)]
    expected = ours(client, cut, 3, [0.1, 0.5])
    np.testing.assert_allclose(found["mean"], [v for one in expected for v in one["quantiles"]["0.5"]], rtol=1e-6)
    np.testing.assert_allclose(
        found["intervals"]["lo-80"], [v for one in expected for v in one["quantiles"]["0.1"]], rtol=1e-6
    )


def test_the_history_is_forecast_from_a_context_on(client):
    found = post(client, "/v2/cross_validation", WINDOWS | {"full_history": True})
    # A context of 24, then windows of the trained horizon, which is 6.
    assert found["sizes"] == [72, 36]
    assert found["idxs"] == [*range(28, 100), *range(124, 160)]
    short = {"y": VALUES[0][:5], "sizes": [5]}
    assert post(client, "/v2/cross_validation", WINDOWS | {"full_history": True, "series": short})["idxs"] == [2, 3, 4]


def test_all_that_has_a_context_is_judged(client):
    values = [*VALUES[0]]
    values[50] = 1000.0
    found = post(client, "/v2/anomaly_detection", JUDGE | {"series": SERIES | {"y": [*values, *VALUES[1][:60]]}})
    assert found["sizes"] == [76, 36]
    assert found["anomaly"][50 - 24]
    body = {"model": "m", "series": [OURS[0] | {"target": values}], "last": 76, "lead": 6, "level": 99}
    (expected,) = client.post("/v1/anomalies", json=body).json()["anomalies"]
    assert found["mean"][:76] == expected["expected"]
    assert found["anomaly"][:76] == expected["is_anomaly"]
    assert found["intervals"]["hi-99"][:76] == expected["upper"]


def test_the_last_observations_are_judged_by_forecasts_of_the_steps_asked(client):
    found = post(client, "/v2/online_anomaly_detection", ONLINE)
    body = {"model": "m", "series": OURS, "last": 5, "lead": 2, "level": 99}
    expected = client.post("/v1/anomalies", json=body).json()["anomalies"]
    assert found["idxs"] == [*range(95, 100), *range(155, 160)]
    assert found["sizes"] == [5, 5]
    assert found["anomaly_score"] == [value for one in expected for value in one["score"]]
    assert found["intervals"]["lo-99"] == [value for one in expected for value in one["lower"]]
    oftener = post(client, "/v2/online_anomaly_detection", ONLINE | {"step_size": 1})
    assert oftener["mean"] != found["mean"]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("forecast", FORECAST | {"finetune_steps": 5}, "finetune_steps"),
        ("forecast", FORECAST | {"multivariate": True}, "multivariate"),
        ("forecast", FORECAST | {"feature_contributions": True}, "feature_contributions"),
        ("forecast", FORECAST | {"model_parameters": {"a": 1}}, "model_parameters"),
        ("forecast", FORECAST | {"series": SERIES | {"X": [[1.0] * 160]}}, "'X'"),
        ("forecast", FORECAST | {"series": SERIES | {"X_future": [[1.0] * 5]}}, "X_future"),
        ("forecast", FORECAST | {"series": SERIES | {"categorical_exog": [0]}}, "categorical_exog_list"),
        ("forecast", FORECAST | {"model_parameters": {"features": "a"}}, "model_parameters"),
        ("forecast", FORECAST | {"freq": "D"}, "freq"),
        ("forecast", FORECAST | {"job_options": {"timeout_seconds": 5}}, "job_options"),
        ("cross_validation", WINDOWS | {"finetune_steps": 5}, "finetune_steps"),
        ("online_anomaly_detection", ONLINE | {"threshold_method": "multivariate"}, "threshold_method"),
        ("online_anomaly_detection", ONLINE | {"step_size": 3}, "step_size"),
        ("anomaly_detection", JUDGE | {"series": SERIES | {"y": [*SERIES["y"][:-1], None]}}, "series[1]"),
        ("finetune", TUNE | {"finetune_steps": 1}, "finetune_steps"),
        ("finetune", TUNE | {"finetune_depth": 3}, "finetune_depth"),
        ("finetune", TUNE | {"finetune_loss": "mse"}, "finetune_loss"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_a_reason(client, path, body, named):
    assert named in refused(client.post(f"{ROOT}/v2/{path}", json=body), 422, "option_unsupported")


LENGTH, AHEAD = 100, 3
RANDOM = np.random.default_rng(0)
PROMO, PRICE, WEATHER = (RANDOM.normal(size=LENGTH + AHEAD).round(3).tolist() for _ in range(3))
DRIVEN = {
    "y": VALUES[0], "sizes": [LENGTH], "start_datetime": [START],
    "X": [PROMO[:LENGTH], PRICE[:LENGTH], WEATHER[:LENGTH]], "X_future": [PROMO[LENGTH:], PRICE[LENGTH:]],
}  # fmt: skip
NAMES = {"features": ["promo", "price", "weather"]}
ASK_DRIVEN = FORECAST | {"model": "driven", "series": DRIVEN, "model_parameters": NAMES}
PAST_DRIVEN = {"series": {name: DRIVEN[name] for name in ("y", "sizes", "start_datetime", "X")}, "hist_exog": [2]}


@pytest.fixture(scope="module")
def driven(client) -> Client:
    """The client, of a service that also has a version with covariates."""
    covariates = RawCovariates({"weather": WEATHER[:LENGTH]}, {"promo": PROMO[:LENGTH], "price": PRICE[:LENGTH]})
    values = np.array(VALUES[0]) + 3 * np.array(PROMO[:LENGTH]) - np.array(PRICE[:LENGTH])
    panel = Panel((Series.from_grid("a", START, "h", values, covariates=covariates),))
    registry = client.application.state.resources.registry
    registry.register("driven", fit(panel, choose_config(panel, replace(TINY, num_epochs=4, learning_rate=0.1))))
    registry.point_alias("driven", PRODUCTION, 1, actor="test")
    return client


def ours_driven(client: Client, stop: int, steps: int) -> list[float]:
    past = {"promo": PROMO[:stop], "price": PRICE[:stop], "weather": WEATHER[:stop]}
    future = {"promo": PROMO[stop : stop + steps], "price": PRICE[stop : stop + steps]}
    series = {"start": START, "freq": "h", "target": VALUES[0][:stop], "past_covariates": past}
    body = {"model": "driven", "series": [series | {"future_covariates": future}], "horizon": {"steps": steps}}
    return client.post("/v1/forecasts", json=body).json()["forecasts"][0]["quantiles"]["0.5"]


def test_features_are_the_covariates_that_they_are_named_as(driven):
    expected = ours_driven(driven, LENGTH, AHEAD)
    assert post(driven, "/v2/forecast", ASK_DRIVEN)["mean"] == expected
    turned = DRIVEN | {"X": [DRIVEN["X"][one] for one in (1, 0, 2)], "X_future": DRIVEN["X_future"][::-1]}
    named = {"series": turned, "model_parameters": {"features": ["price", "promo", "weather"]}}
    assert post(driven, "/v2/forecast", ASK_DRIVEN | named)["mean"] == expected
    wrong = post(driven, "/v2/forecast", ASK_DRIVEN | {"series": turned})["mean"]
    assert not np.allclose(wrong, expected)


def test_features_of_rows_without_an_observation_are_those_of_the_steps_forecast(driven):
    series = DRIVEN | {"y": [*VALUES[0][:-2], None, None]}
    found = post(driven, "/v2/forecast", ASK_DRIVEN | {"series": series})["mean"]
    assert found == ours_driven(driven, LENGTH - 2, 5)[2:]


def test_windows_of_the_past_know_their_features_in_advance_and_no_later_ones_of_the_past(driven):
    found = post(driven, "/v2/cross_validation", WINDOWS | ASK_DRIVEN | PAST_DRIVEN)
    expected = [*ours_driven(driven, 93, 3), *ours_driven(driven, 97, 3)]
    np.testing.assert_allclose(found["mean"], expected, rtol=1e-6)
    whole = post(driven, "/v2/cross_validation", WINDOWS | ASK_DRIVEN | PAST_DRIVEN | {"full_history": True})
    np.testing.assert_allclose(whole["mean"][-6:], ours_driven(driven, 94, 6), rtol=1e-6)


def test_what_is_judged_knows_its_features(driven):
    asked = ONLINE | PAST_DRIVEN | {"model": "driven", "model_parameters": NAMES}
    past = {"promo": PROMO[:LENGTH], "price": PRICE[:LENGTH], "weather": WEATHER[:LENGTH]}
    known = {"past_covariates": past, "future_covariates": {"promo": [], "price": []}}
    body = {"model": "driven", "series": [OURS[0] | known], "last": 5, "lead": 2, "level": 99}
    (expected,) = driven.post("/v1/anomalies", json=body).json()["anomalies"]
    assert post(driven, "/v2/online_anomaly_detection", asked)["mean"] == expected["expected"]


def test_features_that_a_version_was_not_trained_with_or_that_cannot_be_told_apart_are_refused(driven):
    for change, words in (
        ({"model_parameters": None}, ["without their names", "'promo'"]),
        ({"model_parameters": {"features": ["promo", "price"]}}, ["driven/1 uses", "'weather'"]),
        ({"model_parameters": {"features": ["promo", "weather", "price"]}}, ["driven/1 uses"]),
        ({"series": DRIVEN | {"X": DRIVEN["X"][:2]}, "model_parameters": None}, ["2 in advance and 0 of the past"]),
        ({"model": "m"}, ["m/1 was trained without"]),
        ({"series": DRIVEN | {"X": [["a"] * LENGTH, *DRIVEN["X"][1:]]}}, ["no number"]),
    ):
        response = driven.post(f"{ROOT}/v2/forecast", json=ASK_DRIVEN | change)
        detail = refused(response, 422, "option_unsupported") + response.json()["hint"]
        assert [word for word in words if word not in detail] == []
    without = FORECAST | {"model": "driven"}
    assert "'weather'" in refused(driven.post(f"{ROOT}/v2/forecast", json=without), 422, "covariate_missing")


@pytest.mark.parametrize("call", ["explain", "execute_step"])
def test_a_call_without_a_counterpart_says_so(client, call):
    assert call in refused(client.post(f"{ROOT}/v2/{call}/async", json={}), 422, "call_unsupported")


def test_a_field_that_nobody_knows_is_refused_and_pointed_at(client):
    response = client.post(f"{ROOT}/v2/forecast", json=FORECAST | {"later": 1})
    assert refused(response, 422, "request_invalid").startswith("/later")
    wrong = SERIES | {"sizes": [100, 61]}
    refused(client.post(f"{ROOT}/v2/forecast", json=FORECAST | {"series": wrong}), 422, "request_invalid")


ODD_TEXTS = (
    "",
    "x" * 300,
    "\x00",
    "-1h",
    "99999999999999h",
    "W-XXX",
    "0D",
    "BH",
    "m@",
    "m/0",
    "8999-12-31T23",
    "9999",
    "1",
)
ODD = (None, -1, 10**30, 0.5, True, "", [None], {"a": 1}, [10**9])


def test_no_value_in_any_field_makes_the_service_fail(driven):
    calls = {
        "forecast": ASK_DRIVEN, "cross_validation": WINDOWS | ASK_DRIVEN | PAST_DRIVEN, "anomaly_detection": JUDGE,
        "online_anomaly_detection": ONLINE, "forecast/async": FORECAST,
    }  # fmt: skip
    for path, body in calls.items():
        bodies = [body | {field: value} for field in body for value in ODD]
        bodies += [body | {"series": body["series"] | {field: value}} for field in body["series"] for value in ODD]
        bodies += [body | {field: text} for field in ("model", "freq") for text in ODD_TEXTS]
        bodies += [body | {"series": body["series"] | {"start_datetime": [text]}} for text in ODD_TEXTS]
        for changed in bodies:
            response = driven.post(f"{ROOT}/v2/{path}", json=changed)
            assert response.status_code < 500, (changed, response.text)


def test_series_that_are_too_short_or_too_many_are_refused_by_their_place(settings, fresh):
    detail = refused(fresh.post(f"{ROOT}/v2/cross_validation", json=WINDOWS | {"h": 57}), 422, "series_too_short")
    assert "series[1]" in detail
    refused(fresh.post(f"{ROOT}/v2/online_anomaly_detection", json=ONLINE | {"detection_size": 59}), 422,
            "series_too_short")  # fmt: skip
    refused(fresh.post(f"{ROOT}/v2/forecast", json=FORECAST | {"h": 10**6}), 422, "horizon_out_of_range")
    refused(fresh.post(f"{ROOT}/v2/forecast", json=FORECAST | {"freq": "fortnight"}), 422, "frequency_invalid")
    with serve(replace(settings, max_series=1)) as small:
        refused(small.post(f"{ROOT}/v2/forecast", json=FORECAST), 413, "limit_exceeded")
    with serve(replace(settings, max_cutoffs=3)) as small:
        for path, body in (("cross_validation", WINDOWS), ("anomaly_detection", JUDGE)):
            refused(small.post(f"{ROOT}/v2/{path}", json=body), 413, "limit_exceeded")


def test_an_unknown_name_means_the_default_and_a_known_one_itself(settings, fresh, registry, other_checkpoint):
    unknown = FORECAST | {"model": "timegpt-2.1"}
    detail = refused(fresh.post(f"{ROOT}/v2/forecast", json=unknown), 404, "model_unresolved")
    assert "LONGSHOT_DEFAULT_MODEL" in detail
    registry.register("other", other_checkpoint)
    with serve(replace(settings, default_model="other/1")) as client:
        assert post(client, "/v2/forecast", unknown)["model"] == "other/1"
        assert post(client, "/v2/forecast", FORECAST)["model"] == "m/1"
        assert post(client, "/v2/forecast", unknown | {"finetuned_model_id": "m"})["model"] == "m/1"
        refused(client.post(f"{ROOT}/v2/forecast", json=FORECAST | {"finetuned_model_id": "no"}), 404,
                "model_not_found")  # fmt: skip
        refused(client.post(f"{ROOT}/v2/forecast", json=FORECAST | {"model": "m/7"}), 404, "version_not_found")


def test_the_package_is_told_to_send_as_much_as_any_version_uses(client):
    for name in ("m", "timegpt-1"):
        found = client.get(f"{ROOT}/model_params", params={"model": name, "freq": "h"}).json()["detail"]
        assert found == {"input_size": 10_000 + 2 * 24 + 8, "horizon": 6}
    long = np.resize(VALUES[0], found["input_size"] + 500).tolist()
    cut, whole = (
        post(client, "/v2/forecast", FORECAST | {"series": {"y": long[-size:], "sizes": [size]}})["mean"]
        for size in (found["input_size"], len(long))
    )
    np.testing.assert_allclose(cut, whole, rtol=1e-6)


def test_models_keys_and_usage_are_told(fresh, settings, registry, checkpoint):
    registry.register("without-alias", checkpoint)
    assert fresh.get(f"{ROOT}/v2/models").json() == {"models": [{"name": "m"}]}
    assert fresh.get(f"{ROOT}/usage").json()["minute"]["used"] == 2
    post(fresh, "/v2/forecast", FORECAST)
    assert fresh.get(f"{ROOT}/usage").json()["points_per_minute"]["used"] == 160 + 6
    with serve(replace(settings, max_requests_per_minute=0)) as free:
        assert free.get(f"{ROOT}/usage").json().keys() == {"points_per_minute"}


def test_a_key_is_validated_and_a_small_one_trains_nothing(fresh, database):
    keyring = Keyring(database)
    small = {"authorization": f"Bearer {keyring.create('small', ('forecast',)).text}"}
    keyring.close()
    assert fresh.get(f"{ROOT}/validate_api_key", headers=small).json()["detail"].startswith("The key is key_")
    refused(fresh.get(f"{ROOT}/validate_api_key", headers={"authorization": "Bearer lsk_no"}), 401, "key_refused")
    refused(fresh.post(f"{ROOT}/v2/finetune", json=TUNE, headers=small), 403, "scope_missing")
    refused(fresh.delete(f"{ROOT}/v2/finetuned_models/m", headers=small), 403, "scope_missing")


def wait_for(client: Client, path: str) -> dict:
    for _ in range(200):
        found = client.get(ROOT + path).json()
        if found["status"] not in ("pending", "running"):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


@pytest.mark.parametrize(
    ("path", "now", "body"),
    [
        ("forecast", "forecast", FORECAST),
        ("cross_validation", "cross_validation", WINDOWS),
        ("anomaly_detection", "online_anomaly_detection", ONLINE),
    ],
)
def test_a_job_comes_to_what_is_answered_at_once(client, path, now, body):
    job = post(client, f"/v2/{path}/async", body | {"job_options": {"timeout_seconds": 60}}, 202)
    found = wait_for(client, f"/v2/{path}/jobs/{job['job_id']}")
    assert found["status"] == "succeeded"
    assert found["result"] == post(client, f"/v2/{now}", body)


def test_paths_are_those_of_our_own_route_path_by_path(client):
    asked = FORECAST | {"n_paths": 4, "seed": 7, "quantiles": [0.3]}
    del asked["level"]
    found = [
        post(client, "/v2/simulate/async", asked | one, 202)["job_id"] for one in ({}, {"seed": -7}, {"seed": None})
    ]
    first, other, unseeded = (wait_for(client, f"/v2/simulate/jobs/{one}")["result"] for one in found)
    series = [one | {"item_id": f"series[{number}]"} for number, one in enumerate(OURS)]
    body = {"model": "m", "series": series, "horizon": {"steps": 3}, "num_samples": 4, "seed": 7}
    expected = [one["samples"] for one in client.post("/v1/forecasts", json=body).json()["forecasts"]]
    np.testing.assert_allclose(first["samples"], np.concatenate(expected, axis=1).reshape(-1), rtol=1e-6)
    assert (first["n_paths"], first["h"], first["sizes"], first["coupled"]) == (4, 3, [3, 3], False)
    assert len({tuple(one["samples"]) for one in (first, other, unseeded)}) == 3


def test_a_job_that_fails_says_why_and_one_that_has_ended_is_not_cancelled(client):
    job = post(client, "/v2/forecast/async", FORECAST | {"model": "no"}, 202)["job_id"]
    found = wait_for(client, f"/v2/forecast/jobs/{job}")
    assert (found["status"], found["result"]) == ("failed", None)
    assert "LONGSHOT_DEFAULT_MODEL" in found["error"]
    refused(client.post(f"{ROOT}/v2/async/jobs/{job}/cancel"), 409, "job_not_cancellable")
    refused(client.post(f"{ROOT}/v2/async/jobs/nothing/cancel"), 404, "job_not_found")
    refused(client.post(f"{ROOT}/v2/async/jobs/job_nothing/cancel"), 404, "job_not_found")


def test_a_fine_tuning_is_a_training_job_and_the_same_request_the_same_job(fresh, jobs, database):
    job = post(fresh, "/v2/finetune/async", TUNE | {"finetune_steps": 120}, 202)["job_id"]
    assert post(fresh, "/v2/finetune/async", TUNE | {"finetune_steps": 120}, 202)["job_id"] == job
    found = jobs.get(job, TrainingJob).request
    assert (found.model_name, found.policy) == ("tuned", "promote")
    assert (found.options.num_epochs, found.options.steps_per_epoch) == (3, 40)
    assert fresh.get(f"{ROOT}/v2/finetune/jobs/{job}").json()["status"] == "pending"
    (entry,) = AuditLog(database).list().items
    assert (entry.change.action, entry.change.subject) == ("job.submitted", f"/v1/training-jobs/{job}")
    assert post(fresh, f"/v2/async/jobs/{job}/cancel", {}, 202)["status"] == "cancelled"
    assert post(fresh, "/v2/finetune/async", TUNE | {"finetune_steps": 120}, 202)["job_id"] != job


def test_a_fine_tuning_is_waited_for_and_goes_on_where_that_takes_too_long(fresh, database, monkeypatch):
    monkeypatch.setattr(finetuned, "_WAIT_SECONDS", 0.0)
    # No worker runs here.
    detail = refused(fresh.post(f"{ROOT}/v2/finetune", json=TUNE), 504, "training_unfinished")
    (job,) = fresh.get("/v1/training-jobs").json()["data"]
    assert job["id"] in detail
    (entry,) = AuditLog(database).list().items
    assert (entry.change.action, entry.change.subject) == ("job.submitted", f"/v1/training-jobs/{job['id']}")
    monkeypatch.setattr(finetuned, "_WAIT_SECONDS", 60.0)
    waiting = threading.Timer(0.5, lambda: fresh.post(f"/v1/training-jobs/{job['id']}/cancel"))
    waiting.start()
    assert job["id"] in refused(fresh.post(f"{ROOT}/v2/finetune", json=TUNE), 422, "training_failed")
    waiting.join()


def test_steps_left_at_their_default_are_left_to_the_data():
    assert to_options(FinetunePayload.model_validate(TUNE)).num_epochs is None
    unnamed = FinetunePayload.model_validate(TUNE | {"output_model_id": None})
    assert unnamed.output_model_id is None


def test_a_model_is_listed_and_deleted_with_all_of_its_versions(fresh, registry, checkpoint):
    registry.register("m", checkpoint)
    (listed,) = fresh.get(f"{ROOT}/v2/finetuned_models").json()["finetuned_models"]
    assert listed == fresh.get(f"{ROOT}/v2/finetuned_models/m").json()
    assert (listed["id"], listed["model"], listed["freq"], listed["depth"]) == ("m", "m/1", "h", 5)
    assert fresh.delete(f"{ROOT}/v2/finetuned_models/m").status_code == 204
    assert fresh.get(f"{ROOT}/v2/finetuned_models").json() == {"finetuned_models": []}
    refused(fresh.get(f"{ROOT}/v2/finetuned_models/m"), 404, "version_not_found")
    refused(fresh.delete(f"{ROOT}/v2/finetuned_models/m"), 404, "version_not_found")
    refused(fresh.post(f"{ROOT}/v2/forecast", json=FORECAST), 404, "version_not_found")
    assert registry.register("m", checkpoint).number == 3


def test_the_default_model_is_not_deleted(settings, fresh, registry):
    with serve(replace(settings, default_model="m@production")) as client:
        refused(client.delete(f"{ROOT}/v2/finetuned_models/m"), 409, "model_is_default")
    with pytest.raises(ModelNotFound):
        registry.delete_model("nothing")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("H", "h"), ("2H", "2h"), ("M", "ME"), ("Q-DEC", "QE-DEC"), ("1d", "1D"), ("15m", "15min"), ("MS", "MS"),
     ("B", "B"), ("W-MON", "W-MON"), ("A", "YE"), ("nonsense", "nonsense"), ("3.5h", "3.5h")],
)  # fmt: skip
def test_frequencies_of_other_releases_are_understood(sent, meant):
    assert modern(sent) == meant


def test_steps_are_the_same_wherever_a_period_begins():
    for one, other in (("MS", "ME"), ("W-MON", "W-SUN"), ("60min", "h"), ("QS-JAN", "QE-DEC")):
        assert are_same_step(one, other)
    for one, other in (("D", "B"), ("h", "D"), ("MS", "QS"), ("ME", "BME"), ("h", "2h")):
        assert not are_same_step(one, other)
