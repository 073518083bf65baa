"""A real `longshot serve` whose keys are made and revoked by other processes while it runs."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.stores.keyring import CACHE_SECONDS
from tests.system.test_service import LONGSHOT, QUESTION, Service, wait_until

pytestmark = pytest.mark.system


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    service.settings = replace(service.settings, worker=False)
    yield service
    service.close()


def longshot(service: Service, *words: str) -> str:
    environment = {**os.environ, **service.settings.to_environment(), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run([LONGSHOT, *words], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def create(service: Service, *scopes: str) -> dict:
    return json.loads(longshot(service, "keys", "create", "--json", *(f"--scope={one}" for one in scopes)))


def ask(service: Service, key: dict | None = None, **headers: str) -> httpx.Response:
    if key is not None:
        headers["authorization"] = f"Bearer {key['key']}"
    return service.client.post("/v1/forecasts", json=QUESTION, headers=headers)


def test_keys_made_and_revoked_elsewhere_count_within_seconds(service: Service) -> None:
    service.start()
    assert "there is no API key yet" in service.log.read_text()
    assert ask(service).status_code == 200
    key = create(service, "forecast")
    wait_until(lambda: ask(service).status_code == 401, "the service to ask for a key", seconds=CACHE_SECONDS + 3)
    assert ask(service, key).status_code == 200
    longshot(service, "keys", "revoke", key["id"])
    revoked_at = time.monotonic()
    wait_until(lambda: ask(service, key).status_code == 401, "the key to stop working", seconds=CACHE_SECONDS + 3)
    assert time.monotonic() - revoked_at < CACHE_SECONDS + 3
    assert service.is_ready()
    log = service.log.read_text()
    assert key["id"] in log
    assert key["key"] not in log


def test_the_first_line_is_the_address_and_what_is_to_be_known_follows(service: Service) -> None:
    service.settings = replace(service.settings, worker=True)
    environment = {**os.environ, **service.settings.to_environment()}
    process = subprocess.Popen(
        [LONGSHOT, "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    service.processes.append(process)
    assert process.stdout.readline().startswith("Longshot listens on http://127.0.0.1:")
    assert "there is no API key yet" in process.stdout.readline()


def test_from_its_first_line_on_every_request_is_answered_at_once(service: Service) -> None:
    environment = {**os.environ, **service.settings.to_environment()}
    process = subprocess.Popen(
        [LONGSHOT, "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    service.processes.append(process)
    service.client.base_url = process.stdout.readline().split()[3]
    assert service.client.get("/livez").status_code == 200
    early = ask(service)
    assert (early.status_code, early.json()["code"]) == (503, "not_ready")
    assert int(early.headers["retry-after"]) >= 1
    wait_until(service.is_ready, "the service to be ready", log=service.log)
    assert ask(service).status_code == 200


def test_an_address_in_front_of_others_is_listened_on_once_a_key_exists(service: Service) -> None:
    service.settings = replace(service.settings, host="0.0.0.0")
    environment = {**os.environ, **service.settings.to_environment()}
    ended = subprocess.run([LONGSHOT, "serve"], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "longshot keys create" in ended.stderr
    key = create(service, "forecast")
    with service.log.open("a") as log:
        process = subprocess.Popen(
            [LONGSHOT, "serve"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
    service.processes.append(process)
    port = process.stdout.readline().split("0.0.0.0:")[1].split()[0]
    service.client.base_url = f"http://127.0.0.1:{port}"
    wait_until(service.is_ready, "the service to be ready", log=service.log)
    assert ask(service).status_code == 401
    assert ask(service, key).status_code == 200


def test_forwarded_addresses_are_believed_of_trusted_proxies_only(service: Service) -> None:
    key = create(service, "train", "admin")
    forwarded = {"x-forwarded-for": "203.0.113.9"}
    addresses = []
    for proxies in ("", "127.0.0.0/8"):
        service.settings = replace(service.settings, trusted_proxies=proxies)
        process = service.start()
        mine = {"authorization": f"Bearer {key['key']}"}
        made = service.client.post("/v1/keys", json={"scopes": ["forecast"]}, headers=mine | forwarded)
        assert made.status_code == 201
        entries = service.client.get("/v1/audit-log?limit=1", headers=mine).json()["data"]
        addresses.append(entries[0]["address"])
        process.terminate()
        process.wait(20)
    assert addresses == ["127.0.0.1", "203.0.113.9"]


def test_a_long_head_is_refused_with_a_problem_by_the_real_server(service: Service) -> None:
    service.start()
    for path, headers, status in (
        ("/v1/models?" + "x" * 50_000, {}, 414),
        ("/v1/models", {"x-long": "x" * 50_000}, 431),
    ):
        answer = service.client.get(path, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
