"""Conversations with the service, written once as generators and held by a thread or by an event loop.

A conversation yields what it needs from the outside world: a request to be sent (it gets the response back), seconds to
wait, or something to tell whoever follows it. It returns its result.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import httpx

P = ParamSpec("P")
T = TypeVar("T")
Side = TypeVar("Side", bound="Blocking | Awaiting")


@dataclass(frozen=True)
class Pause:
    """Nothing is to happen for a while."""

    seconds: float


@dataclass(frozen=True)
class Told:
    """Something that a follower wants to know."""

    value: Any


Step = httpx.Request | Pause | Told
Conversation = Generator[Step, httpx.Response | None, T]


class Blocking:
    """One side of a conversation in a thread: it waits for each answer."""

    _http: httpx.Client

    def _hold(self, conversation: Conversation[T]) -> T:
        told = self._follow(conversation)
        while True:
            try:
                next(told)
            except StopIteration as end:
                result: T = end.value
                return result

    def _follow(self, conversation: Conversation[T]) -> Generator[Any, None, T]:
        """What is told on the way, one by one; the result at the end."""
        outcome = _Outcome(conversation)
        while (step := outcome.next_step()) is not None:
            if isinstance(step, Told):
                yield step.value
            elif isinstance(step, Pause):
                time.sleep(step.seconds)
            else:
                try:
                    outcome.answered(self._http.send(step))
                except httpx.TransportError as error:
                    outcome.failed(error)
        return outcome.result


class Awaiting:
    """One side of a conversation in an event loop."""

    _http: httpx.AsyncClient

    async def _hold(self, conversation: Conversation[T]) -> T:
        outcome = _Outcome(conversation)
        async for _ in self._follow_to(outcome):
            pass
        return outcome.result

    def _follow(self, conversation: Conversation[Any]) -> AsyncIterator[Any]:
        return self._follow_to(_Outcome(conversation))

    async def _follow_to(self, outcome: "_Outcome[T]") -> AsyncIterator[Any]:
        while (step := outcome.next_step()) is not None:
            if isinstance(step, Told):
                yield step.value
            elif isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            else:
                try:
                    outcome.answered(await self._http.send(step))
                except httpx.TransportError as error:
                    outcome.failed(error)


class _Outcome(Generic[T]):
    """A conversation on its way: what it is to be given next, and in the end what came of it."""

    def __init__(self, conversation: Conversation[T]) -> None:
        self._conversation = conversation
        self._response: httpx.Response | None = None
        self._error: Exception | None = None
        self.result: T

    def next_step(self) -> Step | None:
        """What it needs next; None once it has ended."""
        response, error = self._response, self._error
        self._response = self._error = None
        try:
            return self._conversation.throw(error) if error else self._conversation.send(response)
        except StopIteration as end:
            self.result = end.value
            return None

    def answered(self, response: httpx.Response) -> None:
        self._response = response

    def failed(self, error: Exception) -> None:
        self._error = error


class Operation(Generic[P, T]):
    """A method written as a conversation: called on a blocking side it returns the result, else something to await."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Conversation[T]]) -> None:
        self._steps = steps
        update_wrapper(self, steps)  # type: ignore[arg-type]

    @overload
    def __get__(self, side: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, side: Blocking, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, side: Awaiting, owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, side: Any, owner: type) -> Callable[..., Any]:
        """The method of a side; of a class, what `help` reads."""
        if side is None:
            return self._steps

        def hold(*args: P.args, **kwargs: P.kwargs) -> Any:
            return side._hold(self._steps(side, *args, **kwargs))

        return update_wrapper(hold, self._steps)


class Followed(Generic[P, T]):
    """A method written as a conversation whose caller wants to know what is told on the way: an iterator."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Conversation[T]]) -> None:
        self._steps = steps
        update_wrapper(self, steps)  # type: ignore[arg-type]

    @overload
    def __get__(self, side: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, side: Blocking, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, side: Awaiting, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, side: Any, owner: type) -> Callable[..., Any]:
        """The method of a side; of a class, what `help` reads."""
        if side is None:
            return self._steps

        def follow(*args: P.args, **kwargs: P.kwargs) -> Any:
            return side._follow(self._steps(side, *args, **kwargs))

        return update_wrapper(follow, self._steps)
