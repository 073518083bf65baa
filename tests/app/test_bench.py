import asyncio
import threading

import pytest

from app.bench import Bench, DeadlineExceeded, ServiceBusy


def test_a_forecast_that_takes_too_long_is_given_up_and_others_go_on():
    release = threading.Event()

    async def scenario() -> str:
        bench = Bench(num_threads=2, max_waiting=0, timeout_seconds=0.05)
        with pytest.raises(DeadlineExceeded):
            await bench.run(release.wait)
        result = await bench.run(lambda: "fine")
        release.set()
        bench.close()
        return result

    assert asyncio.run(scenario()) == "fine"


def test_more_than_can_wait_is_turned_away_at_once():
    release = threading.Event()

    async def scenario() -> None:
        bench = Bench(num_threads=1, max_waiting=1, timeout_seconds=5)
        waiting = [asyncio.ensure_future(bench.run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ServiceBusy):
            await bench.run(release.wait)
        release.set()
        await asyncio.gather(*waiting)
        assert await bench.run(lambda: 1) == 1
        bench.close()

    asyncio.run(scenario())
