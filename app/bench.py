"""Threads for what computes, apart from those that answer everything else, with so many places and so much time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from app.errors import OperationError

Result = TypeVar("Result")


class DeadlineExceeded(OperationError):
    """A request that took longer than the service gives it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"There was no answer within {seconds:g} seconds.",
            hint="Ask for less at once, or have the operator raise LONGSHOT_FORECAST_TIMEOUT_SECONDS.",
        )
        self.seconds = seconds


class ServiceBusy(OperationError):
    """More requests are waiting than the service holds."""

    def __init__(self, num_waiting: int) -> None:
        super().__init__(f"{num_waiting} forecasts are waiting already.", hint="Try again in a moment.")
        self.num_waiting = num_waiting


class Bench:
    """Threads for forecasts, so that nothing else waits for them.

    Args:
        num_threads: Forecasts computed at once.
        max_waiting: Forecasts that may wait beside them.
        timeout_seconds: How long a request waits for its answer; its computation is then left to end unheard.
    """

    def __init__(self, *, num_threads: int, max_waiting: int, timeout_seconds: float) -> None:
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix="forecast")
        self._capacity = num_threads + max_waiting
        self._num_taken = 0
        self.timeout_seconds = timeout_seconds

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of some work, computed on one of the threads.

        Raises:
            ServiceBusy: Too many are waiting.
            DeadlineExceeded: It took too long.
        """
        self.refuse_if_full()
        return await self.wait_for(asyncio.get_running_loop().run_in_executor(self._threads, work))

    def refuse_if_full(self) -> None:
        """Refuses one more.

        Raises:
            ServiceBusy: Too many are waiting.
        """
        if self._num_taken >= self._capacity:
            raise ServiceBusy(self._num_taken)

    def start(self, work: Callable[[], None]) -> None:
        """Begins some work as soon as a thread is free."""
        self._threads.submit(work)

    async def wait_for(self, future: "asyncio.Future[Result]") -> Result:
        """A result that one of the threads will give; it takes a place until it is there.

        Raises:
            DeadlineExceeded: It took too long.
        """
        self._num_taken += 1
        future.add_done_callback(self._release)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self.timeout_seconds)
        except TimeoutError as error:
            raise DeadlineExceeded(self.timeout_seconds) from error

    def close(self) -> None:
        """Lets no more work begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _release(self, future: "asyncio.Future[Result]") -> None:
        self._num_taken -= 1
        if not future.cancelled():
            future.exception()
