"""Aliases rolled back and versions deleted, over HTTP and beneath it."""

from collections.abc import Iterator

import httpx
import pytest

from app.errors import AliasWithoutPast, VersionInUse, VersionNotFound
from app.settings import Settings
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Checkpoint
from tests.app.conftest import Client, serve

ALIAS = f"/v1/models/m/aliases/{PRODUCTION}"


@pytest.fixture
def client(
    settings: Settings, registry: Registry, checkpoint: Checkpoint, other_checkpoint: Checkpoint
) -> Iterator[Client]:
    for one in (checkpoint, other_checkpoint):
        number = registry.register("m", one).number
        registry.point_alias("m", PRODUCTION, number, actor="test")
    with serve(settings) as client:
        yield client


def refused(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


def test_an_alias_returns_to_its_version_before_and_its_history_only_grows(client):
    answer = client.post(f"{ALIAS}/rollback")
    assert (answer.status_code, answer.json()["version"], answer.headers["etag"]) == (200, 1, '"3"')
    assert client.post(f"{ALIAS}/rollback").json()["version"] == 2
    history = client.get(f"{ALIAS}/history").json()["data"]
    assert [(one["revision"], one["version"]) for one in history] == [(4, 2), (3, 1), (2, 2), (1, 1)]
    assert [one["actor"] for one in history] == ["anonymous", "anonymous", "test", "test"]
    entered = client.get("/v1/audit-log").json()["data"][0]
    assert (entered["action"], entered["subject"], entered["details"]) == ("alias.rolled_back", ALIAS, {"version": 2})


def test_a_rollback_happens_only_from_the_state_its_caller_saw(client):
    refused(client.post(f"{ALIAS}/rollback", headers={"if-match": '"1"'}), 412, "alias_changed")
    assert client.get(ALIAS).json()["version"] == 2
    assert client.post(f"{ALIAS}/rollback", headers={"if-match": '"2"'}).json()["version"] == 1


def test_an_alias_that_never_pointed_elsewhere_is_not_rolled_back(client, registry):
    registry.point_alias("m", "canary", 1, actor="test")
    refused(client.post("/v1/models/m/aliases/canary/rollback"), 409, "alias_without_past")
    refused(client.post("/v1/models/m/aliases/none/rollback"), 404, "alias_not_found")
    refused(client.get("/v1/models/m/aliases/none/history"), 404, "alias_not_found")


def test_a_version_that_an_alias_points_at_is_not_deleted(client):
    refused(client.delete("/v1/models/m/versions/2"), 409, "version_in_use")
    assert client.get("/v1/models/m/versions/2").status_code == 200


def test_a_deleted_version_is_gone_with_its_files(client, registry):
    folder = registry.checkpoint_path(registry.version("m", 1))
    assert folder.exists()
    assert client.delete("/v1/models/m/versions/1").status_code == 204
    assert not folder.exists()
    refused(client.get("/v1/models/m/versions/1"), 404, "version_not_found")
    refused(client.delete("/v1/models/m/versions/1"), 404, "version_not_found")
    assert [one["version"] for one in client.get("/v1/models/m/versions").json()["data"]] == [2]
    entered = client.get("/v1/audit-log").json()["data"][0]
    assert (entered["action"], entered["subject"]) == ("version.deleted", "/v1/models/m/versions/1")


def test_a_rollback_passes_over_a_deleted_version(client, registry):
    registry.delete("m", 1)
    with pytest.raises(AliasWithoutPast):
        registry.roll_back("m", PRODUCTION, actor="test")
    assert [one.number for one in registry.history("m", PRODUCTION)] == [2, 1]


def test_the_number_of_a_deleted_version_is_never_given_again(registry, checkpoint):
    assert [registry.register("m", checkpoint).number for _ in range(2)] == [1, 2]
    registry.delete("m", 2)
    assert registry.register("m", checkpoint).number == 3
    with pytest.raises(VersionNotFound):
        registry.resolve("m/2")


def test_files_that_another_version_shares_stay(registry, checkpoint):
    first = registry.register("m", checkpoint)
    registry.register("other", checkpoint)
    registry.delete("m", first.number)
    assert registry.checkpoint_path(first).exists()
    assert registry.model("m").latest is None
    registry.point_alias("other", "canary", 1, actor="test")
    with pytest.raises(VersionInUse, match="other@canary"):
        registry.delete("other", 1)
