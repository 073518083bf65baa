import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

import pytest

from app.batching import MAX_BYTES, Batches, Dialogue
from app.bench import Bench, DeadlineExceeded, ServiceBusy

Served = Batches[int, int]


class Doubling:
    """Doubles numbers, remembers which were asked together, and waits while it is held."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, questions: Sequence[int]) -> Iterable[tuple[int, int | Exception]]:
        self.asked.append(tuple(questions))
        self.free.wait(5)
        if 13 in questions:
            raise RuntimeError("13")
        for number, question in enumerate(questions):
            yield number, ValueError("7") if question == 7 else 2 * question


def ask(question: int) -> Dialogue[int, int, str]:
    if question < 0:
        raise KeyError(question)
    answer = yield question
    return f"{question}: {answer}"


def run(
    doubling: Doubling, scenario: Callable[[Served], Awaitable[object]], *, num_threads: int = 1, seconds: float = 5.0
) -> object:
    async def with_batches() -> object:
        bench = Bench(num_threads=num_threads, max_waiting=100, timeout_seconds=seconds)
        try:
            return await scenario(Batches(bench, doubling))
        finally:
            doubling.free.set()
            bench.close()

    return asyncio.run(with_batches())


async def gathered(
    batches: Served, doubling: Doubling, questions: Sequence[int], *, num_bytes: Sequence[int] = ()
) -> list[object]:
    """What requests come to that wait while one before them is computed."""
    doubling.free.clear()
    first = asyncio.ensure_future(batches.run(ask(1)))
    while not doubling.asked:
        await asyncio.sleep(0.001)
    sizes = num_bytes or [0] * len(questions)
    waiting = [
        asyncio.ensure_future(batches.run(ask(one), num_bytes=size)) for one, size in zip(questions, sizes, strict=True)
    ]
    await asyncio.sleep(0.01)
    doubling.free.set()
    await first
    return await asyncio.gather(*waiting, return_exceptions=True)


def test_a_request_alone_waits_for_nobody() -> None:
    doubling = Doubling()

    async def one_after_the_other(batches: Served) -> list[str]:
        return [await batches.run(ask(number)) for number in (1, 2, 3)]

    assert run(doubling, one_after_the_other) == ["1: 2", "2: 4", "3: 6"]
    assert doubling.asked == [(1,), (2,), (3,)]


def test_what_has_gathered_while_others_computed_is_asked_together_and_each_gets_its_own() -> None:
    doubling = Doubling()
    found = run(doubling, lambda batches: gathered(batches, doubling, range(20, 40)))
    assert found == [f"{one}: {2 * one}" for one in range(20, 40)]
    assert doubling.asked == [(1,), tuple(range(20, 40))]


@pytest.mark.parametrize(("culprit", "error"), [(-1, KeyError), (7, ValueError), (13, RuntimeError)])
def test_a_failing_request_never_fails_its_neighbours(culprit: int, error: type[Exception]) -> None:
    doubling = Doubling()
    found = run(doubling, lambda batches: gathered(batches, doubling, (4, culprit, 5)))
    assert isinstance(found, list)
    assert [found[0], found[2]] == ["4: 8", "5: 10"]
    assert isinstance(found[1], error)


def test_a_large_request_is_taken_alone() -> None:
    doubling = Doubling()
    run(doubling, lambda batches: gathered(batches, doubling, (2, 3, 4, 5), num_bytes=(1, 2 * MAX_BYTES, 1, 1)))
    assert doubling.asked == [(1,), (2,), (3,), (4, 5)]


def test_each_request_keeps_its_own_deadline_and_one_that_is_over_is_not_computed() -> None:
    doubling = Doubling()

    async def scenario(batches: Served) -> None:
        doubling.free.clear()
        first = asyncio.ensure_future(batches.run(ask(1)))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await batches.run(ask(2))
        assert time.monotonic() - started == pytest.approx(0.2, abs=0.15)
        with pytest.raises(DeadlineExceeded):
            await first
        doubling.free.set()
        assert await batches.run(ask(3)) == "3: 6"

    run(doubling, scenario, seconds=0.2)
    assert (3,) in doubling.asked
    assert all(2 not in asked for asked in doubling.asked)


def test_more_than_can_wait_is_turned_away_and_the_places_come_back() -> None:
    doubling = Doubling()

    async def scenario() -> None:
        bench = Bench(num_threads=1, max_waiting=1, timeout_seconds=5)
        batches = Batches(bench, doubling)
        doubling.free.clear()
        waiting = [asyncio.ensure_future(batches.run(ask(number))) for number in (1, 2)]
        await asyncio.sleep(0.05)
        with pytest.raises(ServiceBusy):
            await batches.run(ask(3))
        doubling.free.set()
        assert await asyncio.gather(*waiting) == ["1: 2", "2: 4"]
        assert await batches.run(ask(3)) == "3: 6"
        bench.close()

    asyncio.run(scenario())


def test_who_watches_is_told_how_many_were_taken_together_and_how_long_they_had_waited() -> None:
    doubling, told = Doubling(), list[list[float]]()

    async def scenario() -> None:
        bench = Bench(num_threads=1, max_waiting=10, timeout_seconds=5)
        await gathered(Batches(bench, doubling, lambda waited: told.append(list(waited))), doubling, (2, 3))
        bench.close()

    asyncio.run(scenario())
    assert [len(one) for one in told] == [1, 2]
    assert min(told[1]) >= 0.009
