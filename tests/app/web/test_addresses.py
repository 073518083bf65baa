"""Addresses are understood with a host before them, and mended without one."""

import asyncio
from collections.abc import Iterator

import pytest

from app.web.addresses import AbsoluteTarget
from tests.app.conftest import Client, serve


@pytest.fixture
def client(settings) -> Iterator[Client]:
    with serve(settings) as client:
        yield client


@pytest.mark.parametrize(
    ("asked", "meant"), [("/v1/models/", "/v1/models"), ("/v1/models///?limit=3&a=%2F", "/v1/models?limit=3&a=%2F")]
)
def test_a_slash_too_many_leads_on_without_naming_a_host(client, asked, meant):
    answer = client.get(asked, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, meant)
    assert client.get(asked, follow_redirects=True).status_code == 200


@pytest.mark.parametrize(
    "path", ["/v1/nothing/", "//elsewhere.example/", "/v1/models/none", "/static/none", "/static/none/"]
)
def test_what_leads_nowhere_is_still_a_problem(client, path):
    answer = client.get(str(client.base_url).rstrip("/") + path, follow_redirects=False)
    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://longshot.example/v1/models", "/v1/models"),
        ("HTTPS://longshot.example:8443/", "/"),
        ("http://longshot.example", "/"),
        ("/v1/models", "/v1/models"),
        ("/http://elsewhere.example/v1", "/http://elsewhere.example/v1"),
    ],
)
def test_a_target_with_a_host_is_its_path(target, path):
    seen = []

    async def application(scope, receive, send):
        seen.append(scope["path"])

    asyncio.run(AbsoluteTarget(application)({"type": "http", "path": target}, None, None))
    assert seen == [path]
