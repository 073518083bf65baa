import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

import app.stores.keyring
from app.errors import KeyLifetimeInvalid, KeyNotFound, KeyRefused
from app.stores.database import Database
from app.stores.keyring import Keyring
from app.stores.keys import MAX_LIFETIME, public_id


@pytest.fixture
def keyring(database: Database) -> Iterator[Keyring]:
    keyring = Keyring(database)
    yield keyring
    keyring.close()


def forget(keyring: Keyring) -> None:
    """As if the time had passed for which a process believes what it knows of keys."""
    keyring._known.clear()
    keyring._is_open_until = 0.0


def test_a_key_is_recognised_by_its_text_alone(keyring):
    new = keyring.create("ci", ("train", "forecast"), lifetime=timedelta(days=1))
    assert keyring.list().items == (new.about,)
    assert keyring.identify(new.text) == new.about
    assert public_id(new.text) == new.about.id
    assert new.about.scopes == ("forecast", "train")


def test_a_key_carries_at_least_192_bits_of_secret_beside_its_id(keyring):
    texts = {keyring.create("n", ("admin",)).text for _ in range(20)}
    secrets = {re.fullmatch(r"lsk_[a-z0-9]{12}_([A-Za-z0-9]{43})", text)[1] for text in texts}
    assert len(secrets) == 20
    assert 62**43 > 2**192


def test_no_text_of_a_key_is_stored_anywhere(keyring, database, settings):
    new = keyring.create("ci", ("admin",))
    keyring.identify(new.text)
    keyring.close()
    database.close()
    secret = new.text.rpartition("_")[2].encode()
    for file in settings.home.rglob("*"):
        assert file.is_dir() or secret not in file.read_bytes()


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text[:-1] + "~", lambda text: "lsk_" + text])
def test_what_is_not_quite_a_key_opens_nothing(keyring, change):
    new = keyring.create("ci", ("admin",))
    with pytest.raises(KeyRefused):
        keyring.identify(change(new.text))


def test_the_secret_of_one_key_does_not_open_another(keyring):
    one, other = (keyring.create("n", ("admin",)) for _ in range(2))
    mixed = one.text[:17] + other.text[17:]
    assert public_id(mixed) == one.about.id
    with pytest.raises(KeyRefused, match="knows no such key"):
        keyring.identify(mixed)


def test_a_revoked_key_works_nowhere_once_it_is_forgotten(keyring, database):
    elsewhere = Keyring(database)
    new = keyring.create("ci", ("admin",))
    elsewhere.identify(new.text)
    revoked = keyring.revoke(new.about.id)
    with pytest.raises(KeyRefused, match="was revoked at"):
        keyring.identify(new.text)
    elsewhere.identify(new.text)
    forget(elsewhere)
    with pytest.raises(KeyRefused, match="was revoked at"):
        elsewhere.identify(new.text)
    assert keyring.revoke(new.about.id).revoked_at == revoked.revoked_at
    assert app.stores.keyring.CACHE_SECONDS < 5
    elsewhere.close()


def test_an_expired_key_works_no_more_though_it_is_remembered(keyring):
    new = keyring.create("ci", ("admin",), lifetime=timedelta(seconds=1))
    keyring.identify(new.text)
    time.sleep(1.01)
    assert new.about.id in keyring._known
    with pytest.raises(KeyRefused, match="expired at"):
        keyring.identify(new.text)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(days=-1), MAX_LIFETIME + timedelta(days=1)])
def test_a_key_for_no_time_or_another_age_is_not_made(keyring, lifetime):
    with pytest.raises(KeyLifetimeInvalid):
        keyring.create("ci", ("admin",), lifetime=lifetime)
    assert not keyring.are_needed()


def test_keys_are_needed_from_the_first_one_on_even_when_it_is_revoked(keyring, database):
    elsewhere = Keyring(database)
    assert not keyring.are_needed()
    assert not elsewhere.are_needed()
    keyring.revoke(keyring.create("ci", ("forecast",)).about.id)
    assert keyring.are_needed()
    assert not elsewhere.are_needed()
    forget(elsewhere)
    assert elsewhere.are_needed()
    elsewhere.close()


def test_the_last_use_is_written_at_most_once_a_minute(keyring, database):
    new = keyring.create("ci", ("forecast",))
    writes: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *given: writes.append(given[2]))
    for _ in range(50):
        keyring.identify(new.text)
    keyring.close()
    assert sum("UPDATE" in one for one in writes) == 1
    assert keyring.get(new.about.id).last_used_at >= new.about.created_at


def test_keys_that_exist_are_looked_up_once_and_others_not_remembered(keyring, database):
    new = keyring.create("ci", ("forecast",))
    stranger = new.text.replace(new.text[4:16], "a" * 12)
    reads: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *given: reads.append(given[2]))
    for _ in range(50):
        keyring.identify(new.text)
    assert sum("SELECT" in one for one in reads) == 1
    with pytest.raises(KeyRefused):
        keyring.identify(stranger)
    assert set(keyring._known) == {new.about.id}


def test_what_is_remembered_is_answered_without_the_database_and_says_so(keyring, database):
    asked = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    assert not keyring.remembers(None)
    keyring.are_needed()
    assert keyring.remembers(None)
    text = keyring.create("ci", ("admin",)).text
    assert keyring.remembers(None)
    assert not keyring.remembers(text)
    keyring.identify(text)
    assert keyring.remembers(text)
    assert not keyring.remembers("lsk_nonsense")
    num_asked = len([one for one in asked if one.startswith("SELECT")])
    assert keyring.are_needed()
    keyring.identify(text)
    assert len([one for one in asked if one.startswith("SELECT")]) == num_asked
    forget(keyring)
    assert not keyring.remembers(text)


def test_the_scope_admin_includes_the_others(keyring):
    admin, forecast = (keyring.create("n", (scope,)).about for scope in ("admin", "forecast"))
    assert all(admin.allows(scope) for scope in ("forecast", "train", "admin", None))
    assert [forecast.allows(scope) for scope in ("forecast", "train", "admin", None)] == [True, False, False, True]


def test_a_key_that_is_not_there_is_named_unless_it_is_a_key_itself(keyring):
    with pytest.raises(KeyNotFound, match="'key_none'"):
        keyring.revoke("key_none")
    with pytest.raises(KeyNotFound) as caught:
        keyring.get("lsk_abc_secret")
    assert "secret" not in str(caught.value)


def test_keys_are_listed_in_parts(keyring):
    made = [keyring.create(str(number), ("forecast",)).about for number in range(3)]
    first = keyring.list(limit=2)
    assert first.items == (made[2], made[1])
    assert keyring.list(limit=2, cursor=first.next_cursor).items == (made[0],)
