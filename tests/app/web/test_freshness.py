"""What the caller has already is not sent again."""

from collections.abc import Iterator

import pytest

from app.stores.references import PRODUCTION
from tests.app.conftest import Client, serve
from tests.app.test_server import SERIES


@pytest.fixture
def client(settings, registry, checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


def test_what_the_caller_has_already_is_a_304_without_a_body(client):
    dataset = client.post("/v1/datasets", json={"series": [SERIES]}).headers["location"]
    version = "/v1/models/m/versions/1"
    for path in (dataset, version, f"{version}/bundle", f"/v1/models/m/aliases/{PRODUCTION}"):
        tag = client.get(path).headers["etag"]
        for held in (tag, f"W/{tag}", f'"another", {tag}', "*"):
            answer = client.get(path, headers={"if-none-match": held})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
            assert "content-length" not in answer.headers
            assert answer.headers["x-request-id"]
        assert client.get(path, headers={"if-none-match": '"another"'}).status_code == 200
        assert client.head(path, headers={"if-none-match": tag}).status_code == 304


def test_a_version_that_an_alias_has_moved_to_is_no_longer_what_the_caller_has(client, registry, checkpoint):
    registry.register("m", checkpoint)
    held = client.get("/v1/models/m/versions/2").headers["etag"]
    registry.point_alias("m", PRODUCTION, 2, actor="test")
    answer = client.get("/v1/models/m/versions/2", headers={"if-none-match": held})
    assert (answer.status_code, answer.json()["aliases"]) == (200, [PRODUCTION])


def test_a_refusal_is_told_whatever_the_caller_has(client):
    answer = client.get("/v1/models/none/versions/1", headers={"if-none-match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
