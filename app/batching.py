"""Requests that wait at the same time are taken together, so that one pass of the network answers all of them.

A request alone waits for nobody: a free thread takes it at once. While all threads compute, requests gather; the next
thread that is free takes what has gathered. What a request does before its question and after its answer is its own,
and fails alone.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from app.bench import Bench, DeadlineExceeded

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Result = TypeVar("Result")
Dialogue = Generator[Question, Answer, Result]
"""One request: it gives its question, is given the answer, and returns its result."""

AnswerEach = Callable[[Sequence[Question]], Iterable[tuple[int, Answer | Exception]]]
"""Answers several questions, each by its number, in the order in which the answers are ready."""

MAX_REQUESTS: Final = 64
MAX_BYTES: Final = 2**20
"""Of all bodies taken together: a large request is taken alone, and delays nobody but who comes after it."""


@dataclass(frozen=True, eq=False)
class _Waiting(Generic[Question, Answer, Result]):
    dialogue: "Dialogue[Question, Answer, Result]"
    num_bytes: int
    future: "asyncio.Future[Result]"
    loop: asyncio.AbstractEventLoop
    since: float = field(default_factory=time.monotonic)

    def question(self) -> Question | None:
        """What is asked; None where the request has failed before."""
        return self._advance(lambda: next(self.dialogue))

    def give(self, answer: Answer | Exception) -> None:
        """Brings the request to its end."""
        if isinstance(answer, Exception):
            self._advance(lambda: self.dialogue.throw(answer))
        else:
            self._advance(lambda: self.dialogue.send(answer))

    def fail(self, error: Exception) -> None:
        """Ends the request where it stands."""
        self._settle(self.future.set_exception, error)

    def _advance(self, step: Callable[[], Question]) -> Question | None:
        try:
            return step()
        except StopIteration as end:
            self._settle(self.future.set_result, end.value)
        except Exception as error:  # noqa: BLE001 - raised again where the request waits
            self.fail(error)
        return None

    def _settle(self, settle: Callable[[Any], None], outcome: object) -> None:
        self.loop.call_soon_threadsafe(self._settle_once, settle, outcome)

    def _settle_once(self, settle: Callable[[Any], None], outcome: object) -> None:
        if not self.future.done():
            settle(outcome)


class Batches(Generic[Question, Answer]):
    """Takes requests that wait at the same time together.

    Args:
        bench: Whose threads compute; its places and its time count.
        answer_each: Answers the questions of requests that were taken together.
        on_taken: Called with how many seconds each of them had waited.
    """

    def __init__(
        self,
        bench: Bench,
        answer_each: "AnswerEach[Question, Answer]",
        on_taken: Callable[[Sequence[float]], None] = lambda _: None,
    ) -> None:
        self._bench = bench
        self._answer_each = answer_each
        self._on_taken = on_taken
        self._pending: deque[_Waiting[Question, Answer, Any]] = deque()
        self._taking = threading.Lock()

    async def run(
        self, dialogue: "Dialogue[Question, Answer, Result]", *, num_bytes: int = 0, is_admitted: bool = False
    ) -> Result:
        """The result of a request.

        Args:
            dialogue: The request.
            num_bytes: Of its body; large ones are taken alone.
            is_admitted: Whether it continues a request that was admitted, and is not to be refused.

        Raises:
            ServiceBusy: Too many are waiting.
            DeadlineExceeded: It took too long.
        """
        if not is_admitted:
            self._bench.refuse_if_full()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._pending.append(_Waiting(dialogue, num_bytes, future, loop))
        self._bench.start(self._work)
        return await self._bench.wait_for(future)

    def _work(self) -> None:
        # Begun once for each request: whoever comes first takes what is there, and may leave nothing to the next.
        taken = self._take()
        if not taken:
            return
        waited = [time.monotonic() - one.since for one in taken]
        self._on_taken(waited)
        asking: list[_Waiting[Question, Answer, Any]] = []
        questions: list[Question] = []
        for one, seconds in zip(taken, waited, strict=True):
            if seconds >= self._bench.timeout_seconds:
                one.fail(DeadlineExceeded(self._bench.timeout_seconds))
                continue
            question = one.question()
            if question is not None:
                asking.append(one)
                questions.append(question)
        self._answer(asking, questions)

    def _answer(self, asking: "Sequence[_Waiting[Question, Answer, Any]]", questions: Sequence[Question]) -> None:
        left = dict(enumerate(asking))
        try:
            for number, answer in self._answer_each(questions):
                left.pop(number).give(answer)
        except Exception as error:  # noqa: BLE001 - raised again where the requests wait
            if len(questions) == 1:
                asking[0].give(error)
                return
            # Whose fault it was is not known: each of the others is tried alone.
            for number, one in left.items():
                self._answer([one], [questions[number]])

    def _take(self) -> "list[_Waiting[Question, Answer, Any]]":
        """The first that waits, and those after it that fit beside it."""
        taken: list[_Waiting[Question, Answer, Any]] = []
        num_bytes = 0
        with self._taking:
            while self._pending and len(taken) < MAX_REQUESTS:
                num_bytes += self._pending[0].num_bytes
                if taken and num_bytes > MAX_BYTES:
                    break
                taken.append(self._pending.popleft())
        return taken
