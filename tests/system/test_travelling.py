"""A version is trained, examined, taken to another home, and answers there as it did before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.test_service import QUESTION, Service, wait_until

pytestmark = pytest.mark.system


@pytest.fixture
def services(tmp_path: Path) -> Iterator[tuple[Service, Service]]:
    both = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        both.append(Service(tmp_path / name, has_version=False))
    yield both[0], both[1]
    for one in both:
        one.close()


def finish(service: Service, address: str) -> dict:
    def ended() -> bool:
        return service.client.get(address).json()["state"] not in ("queued", "running")

    wait_until(ended, address, log=service.log)
    return service.client.get(address).json()


def test_a_version_travels_to_another_home_and_forecasts_the_same_numbers(services: tuple[Service, Service]) -> None:
    here, there = services
    here.start()
    trained = finish(here, here.train())
    assert (trained["state"], trained["version"]) == ("succeeded", 1)
    asked = here.client.post("/v1/backtests", json={"model": "m", "dataset": trained["dataset"], "num_cutoffs": 3})
    examined = finish(here, asked.headers["location"])
    assert examined["state"] == "succeeded", examined
    assert [one["last_lead"] for one in examined["report"]["leads"]] == [1, 2, 3, 6]
    shown = here.client.get("/v1/models/m/versions/1").json()
    assert shown["backtests"] == [asked.headers["location"]]
    before = here.ask()
    taken = here.client.get("/v1/models/m/versions/1/bundle").content

    there.start()
    headers = {"content-type": "application/x-tar"}
    imported = there.client.post("/v1/models/import", content=taken, headers=headers)
    assert imported.status_code == 201, imported.text
    assert imported.json()["imported_from"] == {"name": "m", "version": 1, "digest": shown["digest"]}
    assert there.client.post("/v1/forecasts", json=QUESTION).status_code == 404
    there.client.put("/v1/models/m/aliases/production", json={"version": 1}).raise_for_status()
    assert there.ask()["forecasts"] == before["forecasts"]
    again = there.client.post("/v1/backtests", json={"model": "m", "series": [QUESTION["series"][0]], "num_cutoffs": 3})
    assert finish(there, again.headers["location"])["report"] == examined["report"]
