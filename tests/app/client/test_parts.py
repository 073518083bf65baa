"""Tables that are too large for one request go in parts of whole series, and come back as one."""

import json

import pandas as pd
import pyarrow as pa
import pytest

from app.client import AnswerUnreadable
from app.client.parts import UNLIMITED, Limits, in_parts, is_small
from app.client.tables import Sent, from_arrow, read_frame
from tests.app.client.conftest import Answer

LENGTHS = {"b": 3, "a": 1, "d": 4, "c": 2}
ROWS = [(name, f"2026-01-0{day}", float(day)) for day in range(1, 5) for name in LENGTHS if day <= LENGTHS[name]]
SENT = read_frame(pd.DataFrame(ROWS, columns=["id", "ds", "y"]), item_id=None, timestamp=None, target=None)


def limits(**changed: int) -> Limits:
    return Limits(**(vars(UNLIMITED) | changed))


def names(part: Sent) -> list[str]:
    return [one["item_id"] for one in part.to_series()]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [["b", "a", "d", "c"]]),
        ({"max_series": 3}, [["b", "a", "d"], ["c"]]),
        ({"max_points": 6}, [["b", "a"], ["d", "c"]]),
        ({"max_points": 2}, [["b"], ["a"], ["d"], ["c"]]),
        ({"max_body_bytes": 1}, [["b"], ["a"], ["d"], ["c"]]),
    ],
)
def test_a_part_is_whole_series_in_their_order_and_no_more_than_a_request_may_hold(given, expected):
    parts = list(in_parts(SENT, limits(**given)))
    assert [names(part) for part in parts] == expected
    assert sum(part.table.num_rows for part in parts) == SENT.table.num_rows
    assert sorted(one["item_id"] + str(one["target"]) for part in parts for one in part.to_series()) == sorted(
        one["item_id"] + str(one["target"]) for one in SENT.to_series()
    )


def test_a_part_names_no_series_of_another():
    first, second = in_parts(SENT, limits(max_series=2))
    assert from_arrow(first.to_arrow())["id"].unify_dictionaries().chunk(0).dictionary.to_pylist() == ["b", "a"]
    assert from_arrow(second.to_arrow())["id"].unify_dictionaries().chunk(0).dictionary.to_pylist() == ["d", "c"]


def test_a_single_series_and_a_dataset_are_one_part():
    single = read_frame(pa.table({"ds": ["2026-01-01"] * 9, "y": [1.0] * 9}), item_id=None, timestamp=None, target=None)
    assert [part.table.num_rows for part in in_parts(single, limits(max_points=2))] == [9]
    assert list(in_parts(None, limits(max_points=2))) == [None]


def test_what_is_forecast_and_what_is_written_as_json_is_limited_too():
    assert limits(max_forecast_values=1000).for_values(300).max_series == 3
    assert limits(max_forecast_values=1000).for_values(0).max_series == 1000
    assert limits(max_body_bytes=6400).in_json().max_points == 100


def test_a_service_is_asked_for_its_limits_only_by_those_who_send_much(misbehaving):
    told = dict.fromkeys(("max_body_bytes", "max_points", "max_series", "max_forecast_values"), 10**6)
    server = misbehaving(Answer(body={"limits": told}), Answer(body=b"no arrow"))
    table = pd.DataFrame({"id": [f"s{n % 2000}" for n in range(4000)], "ds": ["2026-01-01", "2026-01-02"] * 2000})
    with server.client() as client:
        for rows in (4000, 1000):
            with pytest.raises(AnswerUnreadable):
                client.forecast(table.iloc[:rows].assign(y=1.0), model="m", horizon=1)
    assert [one.path.partition("?")[0] for one in server.asked] == ["/v1/system", "/v1/forecasts", "/v1/forecasts"]
    assert is_small(SENT)


def forecast_of(*names: str) -> Answer:
    about = json.dumps({"model": {"name": "m", "version": 7}})
    columns = {"item_id": list(names), "timestamp": ["2026-01-05"] * len(names)}
    numbers = dict.fromkeys(("mean", "0.5"), [1.0] * len(names))
    table = pa.table(columns | numbers | {"warnings": pa.array([None] * len(names), pa.string())})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.with_metadata({"longshot": about})) as stream:
        stream.write_table(table)
    return Answer(body=sink.getvalue().to_pybytes())


POINTED = Answer(body={"name": "m", "alias": "production", "version": 7, "revision": 1})


def test_the_version_that_answers_the_first_part_answers_all(misbehaving):
    version = Answer(body={"configuration": {"channels": []}})
    server = misbehaving(POINTED, version, *map(forecast_of, LENGTHS))
    frame = pd.DataFrame(ROWS, columns=["id", "ds", "y"])
    with server.client() as client:
        parts = client.forecast_in_parts(frame, model="m", horizon=1, quantile_levels=[0.5], series_per_part=1)
        assert [part.frame["id"].tolist() for part in parts] == [["b"], ["a"], ["d"], ["c"]]
    assert ["model=m%2F7" in one.path for one in server.asked[2:]] == [False, True, True, True]


def test_the_channels_of_one_system_are_never_parted(misbehaving):
    version = Answer(body={"configuration": {"channels": list(LENGTHS)}})
    server = misbehaving(POINTED, version, forecast_of(*LENGTHS))
    frame = pd.DataFrame(ROWS, columns=["id", "ds", "y"])
    with server.client() as client:
        (part,) = client.forecast_in_parts(frame, model="m", horizon=1, quantile_levels=[0.5], series_per_part=1)
    assert part.frame["id"].tolist() == list(LENGTHS)
    assert [one.path.partition("?")[0] for one in server.asked] == [
        "/v1/models/m/aliases/production", "/v1/models/m/versions/7", "/v1/forecasts",
    ]  # fmt: skip
    assert len(from_arrow(server.asked[-1].body)) == len(ROWS)
