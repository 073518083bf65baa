"""Forecasts kept under their ids: shown again, listed, deleted, given up; and what they are drawn as."""

import time
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pyarrow as pa
import pytest
import sqlalchemy as sa

from app.stores import kept_forecasts
from app.stores.database import now
from app.stores.references import PRODUCTION
from app.stores.tables import KeptForecastRow
from tests.app.conftest import Client, serve

SERIES = {"item_id": "a", "start": "2026-01-01T00:00:00Z", "freq": "h", "target": [float(h % 24) for h in range(160)]}
QUESTION = {"model": "m", "series": [SERIES], "horizon": {"steps": 3}}


@pytest.fixture
def start(settings, registry, checkpoint):
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")

    def start_with(**others: object):
        return serve(replace(settings, **others))

    return start_with


@pytest.fixture
def client(start) -> Iterator[Client]:
    with start() as client:
        yield client


def ask(client: Client, **more: object) -> dict:
    response = client.post("/v1/forecasts", json=QUESTION | more)
    assert response.status_code == 200, response.text
    return response.json()


def refused(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


def test_a_forecast_is_shown_again_as_it_was_answered_with_what_it_was_made_from(client):
    answered = ask(client)
    shown = client.get(f"/v1/forecasts/{answered['id']}").json()
    assert {name: shown[name] for name in answered} == answered
    (history,) = shown["history"]
    assert (history["item_id"], history["dataset"], history["target"]) == ("a", None, SERIES["target"][-48:])
    assert history["timestamps"][-1] == "2026-01-07T15:00:00Z"


def test_a_forecast_of_a_dataset_says_which_one(client):
    dataset = client.post("/v1/datasets", json={"series": [SERIES]}).json()["id"]
    answered = ask(client, series=[{"dataset": dataset}])
    assert client.get(f"/v1/forecasts/{answered['id']}").json()["history"][0]["dataset"] == dataset


def test_paths_are_kept_too(client):
    answered = ask(client, num_samples=2)
    shown = client.get(f"/v1/forecasts/{answered['id']}").json()
    assert shown["forecasts"] == answered["forecasts"]
    assert len(shown["forecasts"][0]["samples"]) == 2
    assert client.get(f"/v1/forecasts/{answered['id']}.svg").status_code == 200


def test_a_forecast_survives_a_restart(start):
    with start() as client:
        answered = ask(client)
    with start() as client:
        assert client.get(f"/v1/forecasts/{answered['id']}").json()["forecasts"] == answered["forecasts"]


@pytest.mark.parametrize("packed", [zlib.compress, lambda content: pa.Codec("zstd").compress(content, asbytes=True)])
def test_what_earlier_releases_packed_is_still_read(client, packed):
    kept = client.application.state.resources.kept_forecasts
    answered = ask(client)
    kept.flush()
    content = kept.content(answered["id"])
    with client.application.state.resources.database.writing() as session:
        session.execute(sa.update(KeptForecastRow).values(content=packed(content)))
    assert kept.content(answered["id"]) == content


def test_a_table_is_kept_too_and_what_is_not_to_be_kept_is_not(client):
    lines = "\n".join(f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z,{n % 24}" for n in range(100))
    headers = {"content-type": "text/csv", "accept": "text/csv"}
    body = f"timestamp,target\n{lines}\n"
    told = [
        client.post(f"/v1/forecasts?model=m&horizon=3{more}", content=body, headers=headers).headers["longshot-answer"]
        for more in ("", "&keep=false")
    ]
    assert [told[n].count('"id":"fc_') for n in (0, 1)] == [1, 1]
    ids = [one.split('"id":"')[1].split('"')[0] for one in told]
    assert client.get(f"/v1/forecasts/{ids[0]}").status_code == 200
    refused(client.get(f"/v1/forecasts/{ids[1]}"), 404, "forecast_not_found")
    refused(client.get(f"/v1/forecasts/{ask(client, keep=False)['id']}"), 404, "forecast_not_found")


def test_kept_forecasts_are_listed_newest_first_and_deleted(client):
    ids = [ask(client)["id"] for _ in range(3)]
    page = client.get("/v1/forecasts?limit=2").json()
    assert [one["id"] for one in page["data"]] == ids[:0:-1]
    assert page["data"][0].items() >= {"model": "m", "version": 1, "item_id": "a", "num_series": 1}.items()
    rest = client.get(f"/v1/forecasts?limit=2&cursor={page['next_cursor']}").json()
    assert ([one["id"] for one in rest["data"]], rest["next_cursor"]) == (ids[:1], None)
    new = ask(client)["id"]
    for one in (ids[0], new):
        assert client.delete(f"/v1/forecasts/{one}").status_code == 204
        refused(client.delete(f"/v1/forecasts/{one}"), 404, "forecast_not_found")
        refused(client.get(f"/v1/forecasts/{one}.svg"), 404, "forecast_not_found")
    assert [one["id"] for one in client.get("/v1/forecasts").json()["data"]] == ids[:0:-1]
    assert client.get("/v1/audit-log").json()["data"][0]["subject"] == f"/v1/forecasts/{new}"


def test_the_oldest_forecasts_are_given_up_beyond_the_limit_and_large_ones_are_not_kept(start):
    # 3 steps with 3 quantile levels and 48 observations are 60 numbers.
    with start(max_kept_values=1200) as client:
        ids = [ask(client)["id"] for _ in range(22)]
        assert [one["id"] for one in client.get("/v1/forecasts").json()["data"]] == ids[:1:-1]
        large = ask(client, horizon={"steps": 4})["id"]
        refused(client.get(f"/v1/forecasts/{large}"), 404, "forecast_not_found")
    with start(max_kept_values=0) as client:
        refused(client.get(f"/v1/forecasts/{ask(client)['id']}"), 404, "forecast_not_found")


def test_a_forecast_is_forgotten_after_some_days(start, database):
    with start(kept_days=7) as client:
        old, new = ask(client)["id"], ask(client)["id"]
        client.get("/v1/forecasts")
        with database.writing() as session:
            made_at = now() - timedelta(days=8)
            session.execute(sa.update(KeptForecastRow).where(KeptForecastRow.id == old).values(made_at=made_at))
        refused(client.get(f"/v1/forecasts/{old}"), 404, "forecast_not_found")
        assert [one["id"] for one in client.get("/v1/forecasts").json()["data"]] == [new]
    with database.reading() as session:
        assert session.scalars(sa.select(KeptForecastRow.id)).all() == [new]


def test_a_picture_says_what_it_shows_without_a_style_or_a_script(client):
    answered = ask(client, series=[SERIES | {"item_id": "<b>&\x07"}])
    response = client.get(f"/v1/forecasts/{answered['id']}.svg?width=640&height=360&theme=dark")
    assert response.headers["content-type"].startswith("image/svg+xml")
    picture = ET.fromstring(response.text)
    assert (picture.get("width"), picture.get("viewBox")) == ("640", "0 0 640 360")
    texts = [one.text for one in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:2] == ["Forecast of <b>&\ufffd", texts[1]]
    assert texts[1].startswith("m, version 1 · 3 steps to 2026-01-07 18:00")
    assert {"history", "median", "80 % interval"} <= set(texts)
    assert not {one.tag.rpartition("}")[2] for one in picture.iter()} & {"script", "style", "image", "foreignObject"}


def test_a_picture_is_made_of_pixels_as_large_as_was_asked(client):
    answered = ask(client)
    response = client.get(f"/v1/forecasts/{answered['id']}.png?width=300&height=200")
    assert (response.headers["content-type"], response.content[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert [int.from_bytes(response.content[n : n + 4], "big") for n in (16, 20)] == [300, 200]
    refused(client.get(f"/v1/forecasts/{answered['id']}.png?width=3"), 422, "request_invalid")


def test_one_series_of_several_can_be_drawn(client):
    answered = ask(client, series=[SERIES | {"item_id": f"item {n}"} for n in range(8)])
    address = f"/v1/forecasts/{answered['id']}.svg"
    assert "the first 6 series are shown" in client.get(address).text
    assert "Forecast of item 7" in client.get(f"{address}?item_id=item 7").text
    refused(client.get(f"{address}?item_id=other"), 404, "item_not_forecast")


def test_a_forecast_whose_series_all_failed_says_why_in_its_picture(client):
    answered = ask(client, on_error="partial", series=[SERIES | {"target": [None]}])
    assert "has 0 observations" in client.get(f"/v1/forecasts/{answered['id']}.svg").text


def test_what_is_embedded_may_be_framed_by_chosen_origins_only(start):
    with start(frame_ancestors="https://wiki.example.com, https://chat.example.com") as client:
        framed = client.get("/embed/forecasts/fc_1").headers
        assert (
            "frame-ancestors 'self' https://wiki.example.com https://chat.example.com"
            in framed["content-security-policy"]
        )
        assert "x-frame-options" not in framed
        other = client.get("/forecast").headers
        assert "frame-ancestors 'none'" in other["content-security-policy"]
        assert other["x-frame-options"] == "DENY"
    with start() as client:
        assert client.get("/embed/forecasts/fc_1").headers["x-frame-options"] == "DENY"


def test_many_numbers_are_written_without_a_pause(start, monkeypatch):
    monkeypatch.setattr(kept_forecasts, "_PAUSE_SECONDS", 60.0)
    monkeypatch.setattr(kept_forecasts, "_MANY_VALUES", 100)
    with start() as client:
        first, database = ask(client), client.application.state.resources.database
        later = [ask(client)["id"] for _ in range(3)]
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with database.reading() as session:
                written = set(session.scalars(sa.select(KeptForecastRow.id)))
            if {first["id"], *later[:2]} <= written:
                break
            time.sleep(0.02)
        assert {first["id"], *later[:2]} <= written
