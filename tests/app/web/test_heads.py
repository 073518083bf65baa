"""HEAD is answered as GET, without a body."""

from collections.abc import Iterator

import pytest

from tests.app.conftest import Client, serve


@pytest.fixture
def client(settings) -> Iterator[Client]:
    with serve(settings) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/", "/v1/models", "/v1/system", "/v1/models/none", "/openapi.json"]
)
def test_head_has_the_head_of_get_and_no_body(client, path):
    head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert whole.content
    for name in ("content-type", "content-security-policy", "etag", "ratelimit-policy"):
        assert head.headers.get(name) == whole.headers.get(name)
    assert ("content-length" in head.headers) == ("content-length" in whole.headers)


def test_a_resource_that_is_only_written_to_has_no_head(client):
    assert client.head("/v1/audits").status_code == client.get("/v1/audits").status_code == 405
