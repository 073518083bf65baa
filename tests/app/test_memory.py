"""What is free goes back to the system once, a moment after large requests."""

import threading

import pytest

from app import memory
from app.memory import Tidying


class Library:
    """Counts how often it was asked to give back what is free."""

    def __init__(self) -> None:
        self.num_trims = 0
        self.trimmed = threading.Event()

    def malloc_trim(self, _: int) -> None:
        self.num_trims += 1
        self.trimmed.set()


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setattr(memory, "_glibc", library)
    return library


def test_several_large_requests_are_tidied_up_after_once(library: Library) -> None:
    tidying = Tidying(after_seconds=0.2)
    for _ in range(5):
        tidying.soon()
    assert library.num_trims == 0
    assert library.trimmed.wait(5)
    assert library.num_trims == 1
    library.trimmed.clear()
    tidying.soon()
    assert library.trimmed.wait(5)
    assert library.num_trims == 2


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_glibc", None)
    memory.share_arenas()
    Tidying(after_seconds=0.0).soon()
