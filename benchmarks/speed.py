"""Speed and memory of the flow beside the joint system in plain torch.

    python -m benchmarks.speed --flow [--quick] [--compiled] [--json FILE]

Both sides run in turns, round by round, in one process: a time is a median over the rounds, a ratio a median of the
ratios within a round. A training step is the flow, a mean-square loss and the gradient of the particles and of the
linear map that starts v. `cached` carries points under controls computed before, as a server does; `cached_coarse` in
the longest steps that take other points to the same places, to 1e-6. With `--compiled`, a training step is made in
compiled code as well, after a minute or so of compiling for each setting.

Memory is given twice: what autograd keeps between forward and backward, each storage counted once; and the peak
growth over one training step, of a process started for it (on a GPU, of its allocated memory).
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from benchmarks.cost import bytes_saved, interleaved_seconds, median_ratio, peak_growth
from benchmarks.joint_system import joint_flow
from benchmarks.measurement import Measurement, write
from model.shooting.coarsening import coarsened
from model.shooting.control_cache import ControlCache
from model.shooting.dynamics import UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.integrate import num_steps
from model.shooting.lift import Lift
from model.shooting.parametrisation import ParticlesDynamic


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    Attributes:
        name: What the row is called.
        state_size: d.
        inflation: α.
        num_particles: K.
        batch: Data points.
        steps: Runge–Kutta steps on [0, 1].
        num_times: Times asked, evenly spread over [0, 1].
    """

    name: str = "rotated digits"
    state_size: int = 20
    inflation: int = 10
    num_particles: int = 100
    batch: int = 25
    steps: int = 20
    num_times: int = 16


DIGITS = Setting()
SETTINGS = (
    DIGITS,
    *(replace(DIGITS, name=f"d {d}", state_size=d) for d in (5, 50)),
    *(replace(DIGITS, name=f"inflation {a}", inflation=a) for a in (2, 40)),
    *(replace(DIGITS, name=f"particles {k}", num_particles=k) for k in (10, 400)),
    *(replace(DIGITS, name=f"batch {b}", batch=b) for b in (1, 250)),
    *(replace(DIGITS, name=f"steps {s}", steps=s) for s in (5, 80)),
    Setting("forecaster", 128, 2, 32, 224, 4, 5),
)
QUICK = (DIGITS, Setting("small", 4, 4, 8, 5, 4, 3))

# Times of the rotated digits on one core of a CPU: of the code published with the paper, run for this comparison.
REFERENCE_MS = {
    "forward": {"reference code": 777.0, "reference code, motion by autodiff": 4054.0},
    "training_step": {"reference code": 1212.0, "reference code, motion by autodiff": 4472.0},
}


class Sides:
    """Both computations of one setting, with the same numbers in their parameters."""

    def __init__(self, setting: Setting) -> None:
        torch.manual_seed(0)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        dynamics = UpDownUniversal(setting.state_size, setting.inflation)
        particles = ParticlesDynamic(dynamics, num_particles=setting.num_particles)
        with torch.no_grad():
            for component in particles.components:
                component.mul_(0.2)
        self.components = tuple(particles.components)
        self.flow = Flow(particles, step=1 / setting.steps).to(device)
        self.compiled_flow = Flow(particles, step=1 / setting.steps, compiled=True)
        self.lift = Lift("linear", dynamics.component_sizes).to(device)
        self.x = torch.randn(setting.batch, setting.state_size, device=device)
        self.times = torch.linspace(0, 1, setting.num_times)
        self.target = torch.randn(setting.num_times, setting.batch, setting.state_size, device=device)
        with torch.no_grad():
            others = self.lift(torch.randn_like(self.x))
        self.coarse = coarsened(self.flow, others, self.times)
        self.cache, self.coarse_cache = ControlCache(self.flow), ControlCache(self.coarse)
        self.cache.first(num_steps(1.0, self.flow.step))
        self.coarse_cache.first(num_steps(1.0, self.coarse.step))

    def joint(self) -> Tensor:
        """The x at the times, by the joint system."""
        x, v = self.lift(self.x)
        return joint_flow(self.components, x, v, self.times.to(self.x.device), self.flow.step)[0]

    def ours(self) -> Tensor:
        """The x at the times, by the flow."""
        x: Tensor = self.flow(self.lift(self.x), self.times)[0]
        return x

    def compiled(self) -> Tensor:
        """The same in compiled code, where it is trained."""
        x: Tensor = self.compiled_flow(self.lift(self.x), self.times)[0]
        return x

    def cached(self) -> Tensor:
        """The x at the times, under controls computed before."""
        return self._carried(self.flow, self.cache)

    def cached_coarse(self) -> Tensor:
        """The same in longer steps."""
        return self._carried(self.coarse, self.coarse_cache)

    @torch.inference_mode()
    def _carried(self, flow: Flow, cache: ControlCache) -> Tensor:
        return torch.stack([x for x, _ in flow.carry(self.lift(self.x), cache, self.times.tolist())])

    def loss(self, side: Callable[[], Tensor]) -> Tensor:
        """The mean square error of a side."""
        return (side() - self.target).square().mean()

    def train(self, side: Callable[[], Tensor]) -> None:
        """A training step without the optimiser's part."""
        self.flow.zero_grad()
        self.lift.zero_grad()
        self.loss(side).backward()


def training_step(setting: Setting, side: str) -> Callable[[], None]:
    """A training step of one side, ready to run."""
    sides = Sides(setting)
    return partial(sides.train, getattr(sides, side))


def measure(setting: Setting, *, num_rounds: int, compiled: bool = False) -> list[Measurement]:
    """All figures of one setting."""
    sides = Sides(setting)
    steps: dict[str, Callable[[], object]] = {
        "joint.forward": torch.no_grad()(sides.joint),
        "forward": torch.no_grad()(sides.ours),
        "cached": sides.cached,
        "cached_coarse": sides.cached_coarse,
        "joint.training_step": partial(sides.train, sides.joint),
        "training_step": partial(sides.train, sides.ours),
    }
    if compiled:
        steps["training_step_compiled"] = partial(sides.train, sides.compiled)
    seconds = interleaved_seconds(steps, num_rounds)
    ours = [what for what in steps if not what.startswith("joint.")]
    against = {what: "joint.training_step" if what.startswith("training_step") else "joint.forward" for what in ours}
    return [
        *(_timed(setting, what, seconds, against[what]) for what in ours),
        _sized(setting, "saved", *(bytes_saved(partial(sides.loss, s)) for s in (sides.ours, sides.joint))),
        _sized(setting, "peak", *(peak_growth(training_step, setting, s) for s in ("ours", "joint"))),
    ]


def _timed(setting: Setting, what: str, seconds: dict[str, list[float]], against: str) -> Measurement:
    published = REFERENCE_MS.get(what, {}) if setting == DIGITS else {}
    compared = {"joint system": 1e3 * median(seconds[against]), **published}
    ratio = median_ratio(seconds[what], seconds[against])
    rounds = {"rounds": len(seconds[what]), "median ratio to the joint system": ratio}
    return Measurement(_name(setting, what), 1e3 * median(seconds[what]), "ms", compared, asdict(setting) | rounds)


def _sized(setting: Setting, what: str, ours: int, joint: int) -> Measurement:
    ratio = {"median ratio to the joint system": ours / max(joint, 1)}
    compared = {"joint system": joint / 2**20}
    return Measurement(_name(setting, what), ours / 2**20, "MiB", compared, asdict(setting) | ratio)


def _name(setting: Setting, what: str) -> str:
    return f"speed.flow.{setting.name.replace(' ', '_')}.{what}"


def main(words: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for; without a part named, all there are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.splitlines()[0])
    parser.add_argument("--flow", action="store_true", help="the flow beside the joint system: the only part yet")
    parser.add_argument("--quick", action="store_true", help="two settings and few rounds")
    parser.add_argument("--compiled", action="store_true", help="training steps in compiled code, too; a minute each")
    parser.add_argument("--threads", type=int, default=1, help="of torch; more seldom pay for matrices of this size")
    parser.add_argument("--json", type=Path, help="write the measurements to this file")
    asked = parser.parse_args(words)
    torch.set_num_threads(asked.threads)
    measurements = []
    print(f"{'setting':<18}{'what':<24}{'ours':>10}{'joint':>10}{'unit':>5}{'ratio':>8}")
    for setting in QUICK if asked.quick else SETTINGS:
        found = measure(setting, num_rounds=5 if asked.quick else 15, compiled=asked.compiled)
        measurements += found
        for one in found:
            print(_row(setting, one), flush=True)
    if asked.json:
        write(asked.json, measurements)
    return 0


def _row(setting: Setting, one: Measurement) -> str:
    joint, ratio = one.compared_with["joint system"], one.settings["median ratio to the joint system"]
    others = "".join(f"   {name} {ms:.0f}" for name, ms in one.compared_with.items() if name != "joint system")
    what = one.name.rpartition(".")[2].replace("_", " ")
    return f"{setting.name:<18}{what:<24}{one.value:>10.2f}{joint:>10.2f}{one.unit:>5}{ratio:>8.3f}{others}"


if __name__ == "__main__":
    raise SystemExit(main())
