"""A browser that is signed in by a cookie, and what other pages cannot do with it."""

from collections.abc import Iterator

import httpx
import pytest

from app.sessions import COOKIE
from app.stores.keyring import Keyring
from tests.app.conftest import Client, serve

ROW = {"series": [{"item_id": "a", "start": "2026-01-01", "freq": "h", "target": [1.0, 2.0, 3.0]}]}


@pytest.fixture
def key(database) -> Iterator[str]:
    keyring = Keyring(database)
    yield keyring.create("page", ("train",)).text
    keyring.close()


@pytest.fixture
def client(settings, key) -> Iterator[Client]:
    with serve(settings) as client:
        yield client


def sign_in(client: Client, key: str) -> dict:
    answer = client.post("/session", json={"key": key})
    assert answer.status_code == 200, answer.text
    # The client keeps cookies only as long as one calls it with them.
    return {"cookie": f"{COOKIE}={key}", "token": answer.json()["token"], "set": answer.headers["set-cookie"]}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_the_cookie_of_a_session_is_for_this_site_and_no_script(client, key):
    cookie = sign_in(client, key)["set"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_session_reads_with_its_cookie_and_changes_only_with_its_token(client, key):
    session = sign_in(client, key)
    cookie = {"cookie": session["cookie"]}
    assert client.get("/v1/datasets", headers=cookie).status_code == 200
    assert code(client.post("/v1/datasets", json=ROW, headers=cookie)) == (403, "session_not_confirmed")
    wrong = cookie | {"x-csrf-token": "0" * 64}
    assert code(client.post("/v1/datasets", json=ROW, headers=wrong)) == (403, "session_not_confirmed")
    right = cookie | {"x-csrf-token": session["token"]}
    assert client.post("/v1/datasets", json=ROW, headers=right).status_code == 201


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_origin_gets_nothing_from_the_cookie(client, key, site):
    session = sign_in(client, key)
    headers = {"cookie": session["cookie"], "x-csrf-token": session["token"], "sec-fetch-site": site}
    assert code(client.get("/v1/datasets", headers=headers)) == (401, "key_missing")
    assert code(client.post("/v1/datasets", json=ROW, headers=headers)) == (401, "key_missing")
    assert code(client.post("/session", json={"key": key}, headers={"sec-fetch-site": site}))[0] == 403


def test_a_session_is_no_more_than_its_key(client, key, database):
    session = sign_in(client, key)
    headers = {"cookie": session["cookie"], "x-csrf-token": session["token"]}
    assert code(client.post("/v1/keys", json={"scopes": ["admin"]}, headers=headers)) == (403, "scope_missing")
    client.application.state.resources.keyring.revoke(f"key_{key.split('_')[1]}")
    assert code(client.get("/v1/datasets", headers=headers)) == (401, "key_refused")
    told = client.get("/session", headers=headers).json()
    assert told["key"] is None
    assert "revoked" in told["refused"]


def test_what_is_no_key_signs_nobody_in(client):
    answer = client.post("/session", json={"key": "lsk_none"})
    assert code(answer) == (401, "key_refused")
    assert "set-cookie" not in answer.headers


def test_signing_out_takes_the_cookie_away(client):
    answer = client.delete("/session")
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()


def test_while_there_is_no_key_nobody_has_to_sign_in(settings):
    with serve(settings) as client:
        assert client.get("/session").json() == {"keys_needed": False, "key": None, "token": None, "refused": None}
