import asyncio
from collections.abc import Iterable

import pytest

from app.errors import SettingInvalid
from app.schemas.refusals import BodyTooLarge
from app.web.security import BodyLimit, check_host, why_from_page, why_not_local


async def read_all(scope, receive, send) -> None:
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)


def send_body(chunks: Iterable[bytes], headers: dict[str, str]) -> int:
    """How many chunks were taken before the application returned or refused."""
    taken = 0
    left = list(chunks)

    async def receive():
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message) -> None:
        pass

    scope = {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    asyncio.run(BodyLimit(read_all, max_body_bytes=10)(scope, receive, send))
    return taken


def test_a_body_up_to_the_limit_passes():
    assert send_body([b"12345", b"67890"], {"content-length": "10"}) == 2
    assert send_body([b"12345", b"67890"], {}) == 2


@pytest.mark.parametrize("headers", [{"content-length": "11"}, {}, {"content-length": "3"}, {"content-length": "x"}])
def test_a_body_above_the_limit_is_refused_whatever_it_announces(headers):
    with pytest.raises(BodyTooLarge):
        send_body([b"12345", b"67890", b"1"], headers)


def test_a_client_that_asks_first_need_not_send_what_is_refused():
    with pytest.raises(BodyTooLarge):
        send_body([], {"content-length": "11", "expect": "100-continue"})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_permission(host):
    check_host(host, allow_unauthenticated=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.com", ""])
def test_other_addresses_need_a_word_of_the_operator(host):
    with pytest.raises(SettingInvalid, match="LONGSHOT_ALLOW_UNAUTHENTICATED=1"):
        check_host(host, allow_unauthenticated=False)
    check_host(host, allow_unauthenticated=True)


def test_a_service_with_keys_may_listen_anywhere():
    check_host("0.0.0.0", allow_unauthenticated=False, keys_are_needed=True)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000", "127.0.0.1"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_program_of_this_machine_is_known_by_its_address_and_what_it_asked_for(address, host):
    assert why_not_local(address, {"host": host}) is None


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.168.1.4", {"host": "localhost"}),
        ("::ffff:192.168.1.4", {"host": "localhost"}),
        ("unknown", {"host": "localhost"}),
        ("127.0.0.1", {"host": "rebound.example.com:8000"}),
        ("127.0.0.1", {"host": "127.0.0.1.example.com"}),
        ("127.0.0.1", {"host": "[::1"}),
        ("127.0.0.1", {}),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-for": "203.0.113.9"}),
        ("127.0.0.1", {"host": "localhost", "forwarded": "for=203.0.113.9"}),
    ],
)
def test_proxies_and_rebound_names_are_not_this_machine(address, headers):
    assert why_not_local(address, headers)


def test_a_page_of_another_site_is_told_by_what_browsers_say():
    page = {"origin": "https://a.example", "sec-fetch-site": "cross-site"}
    assert "a.example" in why_from_page(page, "")
    assert why_from_page(page, "https://b.example, https://a.example") is None
    assert why_from_page({"sec-fetch-site": "same-site"}, "")
    assert why_from_page({"sec-fetch-site": "same-origin"}, "") is None
    assert why_from_page({}, "") is None
