"""What a computation costs: time beside its competitors, and memory."""

import os
import resource
import time
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")


def interleaved_seconds(sides: Mapping[str, Callable[[], object]], num_rounds: int) -> dict[str, list[float]]:
    """Seconds of each side in each round, all sides one after the other in every round, after one round unmeasured.

    Sides of one round meet the same other work on the machine, so their ratio is steadier than their times.
    """
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(num_rounds + 1):
        for name, run in sides.items():
            _synchronise()
            started = time.perf_counter()
            run()
            _synchronise()
            if number:
                found[name].append(time.perf_counter() - started)
    return found


def median_ratio(numerator: list[float], denominator: list[float]) -> float:
    """The median over rounds of the ratio of two sides."""
    return median(one / other for one, other in zip(numerator, denominator, strict=True))


def bytes_saved(forward: Callable[[], object]) -> int:
    """Bytes that autograd keeps between forward and backward: every storage once, parameters and inputs included."""
    kept: dict[int, int] = {}
    alive = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        # A storage that is freed would give its address to the next one.
        alive.append(storage)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(kept.values())


def peak_growth(prepare: Callable[..., Callable[[], object]], *given: object) -> int:
    """Bytes by which memory grows at its peak while a computation runs: of the device, or of a process of its own.

    Args:
        prepare: Makes the computation; a function of a module, as another process calls it.
        *given: What `prepare` is called with.
    """
    if torch.cuda.is_available():
        run = prepare(*given)
        run()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return torch.cuda.max_memory_allocated() - before
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure_growth, args=(sender, torch.get_num_threads(), prepare, given))
    process.start()
    sender.close()
    try:
        return int(receiver.recv())
    finally:
        process.join()


def _measure_growth(
    sender: Connection, threads: int, prepare: Callable[..., Callable[[], object]], given: tuple[object, ...]
) -> None:
    torch.set_num_threads(threads)
    run = prepare(*given)
    torch.mm(torch.ones(64, 64), torch.ones(64, 64))
    before = _reset_peak()
    run()
    sender.send(_peak() - before)


def _reset_peak() -> int:
    """Makes the present resident size the peak, where the system can, and returns it."""
    if os.access(_CLEAR_REFS, os.W_OK):
        _CLEAR_REFS.write_text("5")
    return _peak()


def _peak() -> int:
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
