"""Errands are done one after another, seen by who asked for them, and forgotten after a while."""

import threading
import time

import pytest

from app.errands import Errands, ErrandSeen
from app.errors import ErrandsFull, JobNotCancellable, JobNotFound, KeyMissing


def wait_for(errands: Errands, errand_id: str) -> ErrandSeen:
    for _ in range(200):
        seen = errands.look(errand_id, "me")
        if seen.state not in ("queued", "running"):
            return seen
        time.sleep(0.01)
    raise AssertionError(seen)


def test_an_errand_comes_to_its_result_which_nobody_else_sees():
    errands = Errands()
    errand = errands.submit("me", lambda: b"done")
    assert wait_for(errands, errand).result == b"done"
    with pytest.raises(JobNotFound):
        errands.look(errand, "you")
    with pytest.raises(JobNotCancellable):
        errands.cancel(errand, "me")
    errands.close()


def test_a_refusal_is_told_and_a_fault_of_our_own_is_not():
    def refuse() -> bytes:
        raise KeyMissing

    def fail() -> bytes:
        raise RuntimeError("secret")

    errands = Errands()
    assert "asks for an API key" in wait_for(errands, errands.submit("me", refuse)).error
    assert "secret" not in wait_for(errands, errands.submit("me", fail)).error
    errands.close()


def test_one_that_waits_is_cancelled_at_once_and_one_too_many_is_refused():
    errands, release = Errands(max_live=2), threading.Event()
    first = errands.submit("me", lambda: str(release.wait(5)).encode())
    second = errands.submit("me", lambda: b"never")
    with pytest.raises(ErrandsFull):
        errands.submit("me", lambda: b"")
    errands.cancel(second, "me")
    errands.cancel(first, "me")
    release.set()
    assert wait_for(errands, second).state == "cancelled"
    assert (wait_for(errands, first).state, errands.look(first, "me").result) == ("cancelled", None)
    errands.close()


def test_one_that_runs_too_long_has_failed():
    errands, release = Errands(), threading.Event()
    errand = errands.submit("me", lambda: str(release.wait(5)).encode(), timeout_seconds=0.05)
    assert "0.05 seconds" in wait_for(errands, errand).error
    release.set()
    errands.close()


def test_results_are_forgotten_beyond_their_room_and_time():
    errands = Errands(max_kept_bytes=10)
    first, second = (errands.submit("me", lambda: b"12345678") for _ in range(2))
    wait_for(errands, second)
    with pytest.raises(JobNotFound):
        errands.look(first, "me")
    errands.close()
    errands = Errands(keep_seconds=0.0)
    first, second = (errands.submit("me", lambda: b"1") for _ in range(2))
    wait_for(errands, second)
    with pytest.raises(JobNotFound):
        errands.look(first, "me")
    errands.close()
