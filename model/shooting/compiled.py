"""Maps whose derivative is written by hand, compiled to machine code: what is small work on memory is fused.

A map and its way back are traced and compiled once for each shape of their inputs, by torch's inductor, which needs a
C++ compiler (on a GPU, triton). It takes seconds of each, so it pays where the same step is made thousands of times.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from model.errors import ShootingArgumentInvalid
from model.shooting.by_hand import Gradients, Map
from model.shooting.phase import State

# A training meets a handful; more would mean times that never repeat, each compiled for a single use.
MAX_PROGRAMS = 32

Computation = Callable[[Any], tuple[Gradients, Gradients]]
Program = Callable[[Gradients], tuple[Gradients, Gradients]]


@final
class Compiler:
    """Compiled computations by what they compute, as many as `MAX_PROGRAMS`; a copy starts with none."""

    def __init__(self) -> None:
        self._programs: dict[Hashable, Program] = {}

    def __reduce__(self) -> tuple[type["Compiler"], tuple[()]]:
        return Compiler, ()

    @property
    def num_programs(self) -> int:
        """How many there are so far."""
        return len(self._programs)

    def run(self, name: Hashable, computation: Computation, inputs: Gradients) -> tuple[Gradients, Gradients]:
        """What the computation returns, by its program; by itself, once there are too many programs.

        Raises:
            ShootingArgumentInvalid: Nothing can be compiled here.
        """
        inputs = tuple(None if one is None else one.contiguous() for one in inputs)
        given = next(one for one in inputs if one is not None)
        key = name, given.dtype, given.device, tuple(None if one is None else one.shape for one in inputs)
        program = self._programs.get(key)
        if program is None:
            if len(self._programs) >= MAX_PROGRAMS:
                return computation(inputs)
            program = self._programs[key] = _program(computation, inputs)
        return program(inputs)


@final
@dataclass(frozen=True)
class Compiled(Map):
    """A map, compiled; two that are equal share their programs.

    Attributes:
        mapping: The map, whose equality says that it computes the same.
        compiler: Keeps the programs.
    """

    mapping: Map
    compiler: Compiler

    def through(self, inputs: State) -> tuple[State, State]:
        """As the map does it; where derivatives of it are wanted, automatically, by the map itself."""
        if torch.is_grad_enabled():
            return self.mapping.through(inputs)
        found: Any = self.compiler.run((self.mapping, "through"), self.mapping.through, inputs)
        outputs, kept = found
        return outputs, kept

    def pull_back(self, kept: State, inputs: State, gradients: Gradients) -> Gradients:
        """As the map does it."""
        num_kept, split = len(kept), len(kept) + len(inputs)

        def computation(tensors: Any) -> tuple[Gradients, Gradients]:
            found = self.mapping.pull_back(tensors[:num_kept], tensors[num_kept:split], tensors[split:])
            return found, ()

        return self.compiler.run((self.mapping, "pull_back", num_kept), computation, (*kept, *inputs, *gradients))[0]


def _program(computation: Computation, inputs: Gradients) -> Program:
    try:
        # Takes a second and 60 MiB to import, is seldom wanted, and is nothing that torch promises to keep.
        from torch._inductor import compile as compile_graph  # noqa: PLC0415
        from torch.fx.experimental.proxy_tensor import make_fx  # noqa: PLC0415
    except ImportError as error:
        raise _cannot_compile(f"torch {torch.__version__} has no such compiler") from error
    present = [number for number, one in enumerate(inputs) if one is not None]
    # Tracing tells tensors apart by what they are, so one that comes twice would pass for a single input.
    given: list[Any] = [one.detach().clone() for one in inputs if one is not None]
    places: list[list[bool]] = []

    def traced(*tensors: Tensor) -> list[Tensor]:
        among = dict(zip(present, tensors, strict=True))
        found = computation(tuple(among.get(number) for number in range(len(inputs))))
        places[:] = [[one is not None for one in part] for part in found]
        return [one for part in found for one in part if one is not None]

    try:
        graph = make_fx(traced, tracing_mode="fake")(*given)
        # Called from C++ throughout: calls from Python of hundreds of small operations took a tenth of a step.
        code = compile_graph(graph, given, options={"cpp_wrapper": True})
    except (RuntimeError, TypeError) as error:
        raise _cannot_compile(next(iter(str(error).strip().splitlines()), type(error).__name__)) from error

    def program(inputs: Gradients) -> tuple[Gradients, Gradients]:
        found = iter(code(*[inputs[number] for number in present]))
        outputs, kept = (_filled(part, found) for part in places)
        return outputs, kept

    return program


def _cannot_compile(reason: str) -> ShootingArgumentInvalid:
    return ShootingArgumentInvalid("compiled", found=True, needed=f"False: torch cannot compile ({reason})")


def _filled(part: Sequence[bool], found: Iterator[Tensor]) -> Gradients:
    return tuple(next(found) if is_present else None for is_present in part)
