import json
import math

import numpy as np
import orjson
import pandas as pd
import pytest
from pydantic import ValidationError

from app.errors import DatasetNotFound, LimitExceeded
from app.forecasting import Answer, Refusal
from app.routes.bodies import to_json
from app.schemas.answers import Seconds, from_forecast
from app.schemas.forecasts import ForecastRequest, interval_quantiles
from app.schemas.horizon import (
    DateInvalid,
    DurationInvalid,
    HorizonBody,
    parse_duration,
    parse_horizon,
    parse_timestamp,
)
from app.schemas.models import expected_revision, revision_tag
from app.schemas.panels import SeriesBody, check_size, each_read_once, to_panel
from app.schemas.refusals import DatasetRepeated, ItemNotFound, PreconditionInvalid
from app.schemas.training import TrainingJobRequest
from app.time_axes import format_timestamps
from model import (
    At,
    CalibrationSummary,
    DuplicateTimestamps,
    Duration,
    ItemForecast,
    Notice,
    Panel,
    Series,
    SeriesTooShort,
    Steps,
    TrainingOptions,
    Until,
)

STORED = Panel(
    (
        Series.from_grid("a", "2026-01-01", "h", [1.0, 2.0, 3.0]),
        Series.from_grid("b", "2026-01-01", "h", [4.0, 5.0, 6.0]),
    )
)


def stored(dataset_id: str) -> Panel:
    if dataset_id != "ds_1":
        raise DatasetNotFound(dataset_id)
    return STORED


def request(**fields: object) -> ForecastRequest:
    body = {
        "model": "m",
        "series": [{"item_id": "a", "start": "2026-01-01", "freq": "h", "target": [1, None, 3]}],
        "horizon": {"steps": 2},
    }
    return ForecastRequest.model_validate_json(orjson.dumps(body | fields))


def errors(body: bytes, kind: type = ForecastRequest) -> list[tuple[str, tuple[int | str, ...]]]:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate_json(body)
    return [(error["type"], error["loc"]) for error in caught.value.errors()]


def item_forecast(time_zone: str | None) -> ItemForecast:
    times = np.array(["2026-10-25T00:00", "2026-10-25T01:00"], dtype="datetime64[us]")
    quantiles = {0.1: np.array([0.0, 1.0]), 0.5: np.array([1.0, 2.0]), 0.9: np.array([2.0, 3.0])}
    return ItemForecast("a", times, np.array([1.0, 2.0]), quantiles, time_zone, (Notice("old", "It is old."),))


@pytest.mark.parametrize(
    ("body", "horizon"),
    [
        ({"steps": 0}, Steps(0)),
        ({"steps": 10**30}, Steps(10**30)),
        ({"until": "2026-11-01T00:00:00Z"}, Until(pd.Timestamp("2026-11-01", tz="UTC"))),
        ({"duration": "P30D"}, Duration(pd.Timedelta(days=30))),
        ({"timestamps": ["2026-11-02", "2026-11-01"]}, At((pd.Timestamp("2026-11-02"), pd.Timestamp("2026-11-01")))),
    ],
)
def test_a_horizon_is_steps_a_date_a_duration_or_timestamps(body, horizon):
    assert HorizonBody.model_validate_json(json.dumps(body)).to_horizon() == horizon


@pytest.mark.parametrize("body", [b"{}", b'{"steps": 1, "until": "2026-01-01"}'])
def test_a_horizon_is_exactly_one_of_the_four(body):
    assert errors(body, HorizonBody) == [("horizon_form", ())]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P30D", {"days": 30}),
        ("P1W", {"weeks": 1}),
        ("P1DT12H", {"hours": 36}),
        ("PT90M", {"minutes": 90}),
        ("7D", {"days": 7}),
        ("7d", {"days": 7}),
        ("12h", {"hours": 12}),
        ("90min", {"minutes": 90}),
        ("2w", {"weeks": 2}),
    ],
)
def test_durations_of_fixed_length_are_read(text, length):
    assert parse_duration(text) == pd.Timedelta(**length)


@pytest.mark.parametrize(
    "text", ["P1M", "P1Y", "P", "PT", "7", "", "now", "-1D", "1e9D", "P99999999999D", "D", "x" * 10_000]
)
def test_what_has_no_fixed_length_is_no_duration(text):
    with pytest.raises(DurationInvalid) as caught:
        parse_duration(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["now", "today", "12:00", "2026", "99999-01-01", "2026-13-01", "", "1" * 400])
def test_only_a_date_is_a_date(text):
    with pytest.raises(DateInvalid):
        parse_timestamp(text)


def test_the_command_line_reads_steps_and_durations():
    assert parse_horizon("336") == Steps(336)
    assert parse_horizon("0") == Steps(0)
    assert parse_horizon("-3") == Steps(-3)
    assert parse_horizon("7D") == Duration(pd.Timedelta(days=7))
    with pytest.raises(DurationInvalid):
        parse_horizon("soon")


@pytest.mark.parametrize("target", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b'"1"', b"true", b"[1]", b"1" * 400])
def test_an_observation_is_a_finite_number_or_null(target):
    body = b'{"item_id": "a", "start": "2026-01-01", "freq": "h", "target": [1, ' + target + b"]}"
    assert [where for _, where in errors(body, SeriesBody)] == [("target", 1)]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"target": [1]},
        {"timestamps": ["2026-01-01"]},
        {"timestamps": ["2026-01-01"], "start": "2026-01-01", "freq": "h", "target": [1]},
        {"dataset": "ds_1", "target": [1]},
        {"start": "2026-01-01", "target": [1]},
        {"dataset": "ds_1", "past_covariates": {"temp": [1]}},
    ],
)
def test_a_series_has_exactly_one_of_three_forms(fields):
    with pytest.raises(ValidationError):
        SeriesBody.model_validate_json(orjson.dumps({**fields}))


def test_the_three_forms_of_the_same_series_are_the_same_panel():
    times = ["2026-01-01T00:00", "2026-01-01T01:00", "2026-01-01T02:00"]
    forms = [
        {"item_id": "a", "timestamps": times, "target": [1, 2, 3]},
        {"item_id": "a", "start": times[0], "freq": "h", "target": [1, 2, 3]},
        {"item_id": "a", "dataset": "ds_1"},
    ]
    panels = [to_panel([SeriesBody(**form)], stored) for form in forms]
    assert len({panel.digest() for panel in panels}) == 1


def test_null_is_missing_and_not_zero():
    panel = to_panel([SeriesBody(start="2026-01-01", freq="h", target=[1.0, None, 3.0])], stored)
    assert panel.series[0].item_id == "series"
    assert panel.series[0].values.tolist() == [1.0, 3.0]


def test_a_dataset_without_item_id_means_all_of_its_series():
    assert len(to_panel([SeriesBody(dataset="ds_1")], stored)) == 2
    with pytest.raises(ItemNotFound):
        to_panel([SeriesBody(dataset="ds_1", item_id="z")], stored)


def test_an_unknown_field_is_refused_where_it_stands():
    assert errors(b'{"model": "m", "series": [{"dataset": "d", "freqq": 1}], "horizon": {"steps": 1}, "x": 1}') == [
        ("extra_forbidden", ("series", 0, "freqq")),
        ("extra_forbidden", ("x",)),
    ]


def test_quantiles_and_the_ends_of_intervals_are_asked_together():
    question = request(quantile_levels=[0.5, 0.1], interval_levels=[80, 95]).to_question(stored)
    assert question.quantile_levels == (0.025, 0.1, 0.5, 0.9, 0.975)
    assert interval_quantiles(99.9) == (0.0005, 0.9995)


def test_a_bad_series_fails_the_request_unless_it_may_fail_alone():
    series = [
        {"item_id": "bad", "timestamps": ["2026-01-01", "2026-01-01"], "target": [1, 2]},
        {"item_id": "empty", "start": "2026-01-01", "freq": "h", "target": [None]},
        {"item_id": "lost", "dataset": "ds_2"},
        {"item_id": "a", "dataset": "ds_1"},
    ]
    with pytest.raises(DuplicateTimestamps):
        request(series=series).to_question(stored)
    items = request(series=series, on_error="partial").to_question(stored).items
    refused = [type(one.error) for one in items if isinstance(one, Refusal)]
    assert refused == [DuplicateTimestamps, SeriesTooShort, DatasetNotFound]
    assert [one.item_id for one in items] == ["bad", "empty", "lost", "a"]


@pytest.mark.parametrize(
    ("fields", "limits"),
    [
        ({}, {"max_points": 2}),
        ({"series": [{"dataset": "a"}, {"dataset": "b"}]}, {"max_series": 1}),
        ({"quantile_levels": [0.1, 0.2, 0.3, 0.4, 0.5]}, {"max_quantile_levels": 6}),
        ({"horizon": {"timestamps": ["2026-02-01"] * 5}}, {"max_horizon_steps": 4}),
    ],
)
def test_more_than_the_service_allows_is_refused(fields, limits):
    most = {"max_series": 10, "max_points": 10, "max_horizon_steps": 10, "max_quantile_levels": 10}
    request().check_limits(**most)
    with pytest.raises(LimitExceeded):
        request(**fields).check_limits(**(most | limits))


def test_timestamps_go_out_in_the_zone_they_came_in():
    assert format_timestamps(item_forecast(None)) == ["2026-10-25T00:00:00", "2026-10-25T01:00:00"]
    assert format_timestamps(item_forecast("UTC")) == ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"]
    assert format_timestamps(item_forecast("Europe/Berlin")) == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
    ]


def test_the_answer_has_what_was_asked_with_its_warnings():
    answer = Answer(
        name="m",
        version=3,
        digest="d",
        alias="production",
        items=(item_forecast("UTC"), Refusal("b", SeriesTooShort("b", 1, 2, "a forecast"))),
        calibration=CalibrationSummary("conformal", 10, 24, 0.8, 0.79),
        points_in=5,
        points_out=2,
        function_evaluations=8,
        load_seconds=0.001,
        forecast_seconds=0.002,
    )
    response = from_forecast(
        answer,
        answer_id="fc_1",
        quantile_levels=[0.5],
        interval_levels=[80],
        seconds=Seconds(0.004, 0.008),
    )
    content = orjson.loads(to_json(response))
    assert content["model"] == {"name": "m", "version": 3, "digest": "d", "alias": "production"}
    fine, failed = content["forecasts"]
    assert fine["quantiles"] == {"0.5": [1.0, 2.0]}
    assert fine["intervals"] == {"80": {"lower": [0.0, 1.0], "upper": [2.0, 3.0]}}
    assert [warning["code"] for warning in fine["warnings"]] == ["old"]
    assert failed["status"] == "failed"
    assert failed["problem"]["code"] == "series_too_short"
    assert content["usage"] == {"points_in": 5, "points_out": 2, "function_evaluations": 8}
    assert content["timings_ms"] == {"parse": 4.0, "load": 1.0, "forecast": 2.0, "total": 8.0}
    assert math.isclose(content["calibration"]["realised_coverage"], 0.79)


def test_every_training_option_can_be_named():
    options = {"horizon": 24, "learning_rate": 0.01, "seed": 5}
    body = orjson.dumps({"model": "m", "dataset": "d", "options": options})
    assert TrainingJobRequest.model_validate_json(body).options.to_options() == TrainingOptions(**options)
    every = dict.fromkeys(TrainingOptions.__dataclass_fields__) | {
        "seed": 0,
        "calendar": False,
        "joint": False,
        "preset": "fast",
    }
    TrainingJobRequest.model_validate_json(orjson.dumps({"model": "m", "dataset": "d", "options": every}))


@pytest.mark.parametrize("source", [{}, {"dataset": "d", "series": [{"dataset": "d"}]}])
def test_a_training_has_one_source(source):
    assert errors(orjson.dumps({"model": "m", **source}), TrainingJobRequest) == [("training_source", ())]


def test_a_precondition_names_a_revision():
    assert expected_revision(None, None) is None
    assert expected_revision(revision_tag(3), None) == 3
    assert expected_revision(None, "*") == 0
    for header in ("*", 'W/"1"', "abc", '"' + "9" * 30 + '"'):
        with pytest.raises(PreconditionInvalid):
            expected_revision(header, None)


def test_a_request_reads_each_dataset_once_and_several_within_the_limit():
    reads: list[str] = []

    def find(dataset_id: str) -> Panel:
        reads.append(dataset_id)
        return Panel((Series.from_grid("a", "2026-01-01", "h", [1.0] * 60),))

    bounded = each_read_once(find, 100)
    for _ in range(3):
        bounded("ds_1")
    assert reads == ["ds_1"]
    with pytest.raises(LimitExceeded, match="120 observations"):
        bounded("ds_2")
    assert each_read_once(find, 10)("ds_1").num_observations == 60


def test_a_whole_dataset_is_asked_for_once():
    whole, part = SeriesBody(dataset="ds_1"), SeriesBody(dataset="ds_1", item_id="a")
    check_size([whole, part, part], 10, 10)
    with pytest.raises(DatasetRepeated, match="ds_1"):
        check_size([whole, whole], 10, 10)
