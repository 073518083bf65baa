"""One variant trained and asked, at the horizon that it was trained for and beyond it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.ablation.variants import Variant
from benchmarks.accuracy.long_horizon_sets import LongHorizonSet, last_windows
from benchmarks.accuracy.window_errors import Errors, Pasts, errors_of
from benchmarks.measurement import Measurement
from model import TrainingConfig, TrainingOptions, choose_config
from model.contexts.windows import Windows
from model.networks.inference import Predictor
from model.networks.network import ShootingNetwork
from model.training.blending import blend
from model.training.learning import learn

MAX_VALIDATION_WINDOWS = 4096


@dataclass(frozen=True)
class Answer:
    """What a variant said at one horizon.

    Attributes:
        horizon: Steps ahead.
        way: `trained`, within the horizon of the training; beyond it `continued`, the flow carried on, or `rolled`,
            from contexts that move on over what was forecast.
        validation: On the validation part, at most some thousand windows of it.
        test: On all windows of the test part.
    """

    horizon: int
    way: str
    validation: Errors
    test: Errors


@dataclass(frozen=True)
class Outcome:
    """A variant, trained with one seed.

    Attributes:
        variant: What it differs in.
        dataset: Its data.
        config: Every choice.
        num_parameters: That are learned by gradients.
        processor_seconds: Of its training.
        answers: The trained horizon first.
    """

    variant: Variant
    dataset: str
    config: TrainingConfig
    num_parameters: int
    processor_seconds: float
    answers: tuple[Answer, ...]


def measure(
    data: LongHorizonSet,
    variant: Variant,
    options: TrainingOptions,
    beyond: Sequence[int],
    *,
    device: str | None = None,
) -> Outcome:
    """Trains a variant for the horizon of the options, and asks it for that and for the longer ones."""
    borders = data.borders
    seen = data.until(borders.validation)
    options = replace(options, validation_steps=borders.validation - borders.train)
    changes: dict[str, Any] = {"linear": False, **variant.choices}
    config = replace(choose_config(seen, replace(options, **variant.options)), **changes)
    started = time.process_time()
    learned = learn(seen, config, build=variant.build, device=device)
    blend(learned.network, learned.halves, config.season_length)
    seconds = time.process_time() - started
    variant.finish(learned.network)
    answers = tuple(_answers(data, learned.network, config, beyond, continues=variant.continues))
    num_parameters = sum(one.numel() for one in learned.network.parameters())
    return Outcome(variant, data.name, config, num_parameters, seconds, answers)


def _answers(
    data: LongHorizonSet, network: ShootingNetwork, config: TrainingConfig, beyond: Sequence[int], *, continues: bool
) -> Iterator[Answer]:
    yield _answer(data, network, config, config.horizon, "trained")
    for horizon in beyond:
        if continues:
            yield _answer(data, network, config, horizon, "continued")
        yield _answer(data, network, config, horizon, "rolled")


def _answer(data: LongHorizonSet, network: ShootingNetwork, config: TrainingConfig, horizon: int, way: str) -> Answer:
    block = horizon if way == "continued" else config.horizon
    predictor = Predictor(network, block_length=block, season_length=config.season_length)

    def forecasts(context: Tensor, _: Pasts) -> tuple[Tensor, Tensor]:
        quantiles = predictor.quantiles(context, horizon)
        return predictor.mean(quantiles), quantiles

    borders, asked = data.borders, replace(config, horizon=horizon, training_horizons=())
    parts = {
        "validation": (borders.validation, borders.validation - borders.train, MAX_VALIDATION_WINDOWS),
        "test": (borders.test, borders.test - borders.validation, None),
    }
    errors = {}
    for name, (end, num_steps, most) in parts.items():
        windows: Windows = last_windows(data.until(end), asked, num_steps)
        windows = windows if most is None else windows.thinned(most)
        with torch.inference_mode():
            errors[name] = errors_of(forecasts, windows, data.values[:end])
    return Answer(horizon, way, **errors)


def measurements(outcome: Outcome) -> list[Measurement]:
    """One figure each, with all that is needed to measure it again."""
    variant = outcome.variant
    settings = {
        "part": variant.part,
        "variant": variant.name,
        "seed": outcome.config.seed,
        "parameters": outcome.num_parameters,
        "processor_seconds": round(outcome.processor_seconds, 1),
        "config": outcome.config.to_json(),
    }
    return [
        Measurement(
            f"ablation.{outcome.dataset}.{variant.part}.{variant.name}.{answer.horizon}.{answer.way}.{part}_{figure}",
            value,
            figure.upper(),
            settings=settings | {"horizon": answer.horizon},
        )
        for answer in outcome.answers
        for part, errors in (("validation", answer.validation), ("test", answer.test))
        for figure, value in asdict(errors).items()
        if figure in ("mse", "mae")
    ]


def row(outcome: Outcome) -> str:
    """A line of the table: mean square errors, and the mean absolute one of the test part at the trained horizon."""
    first, *others = outcome.answers
    names = f"{outcome.variant.part:<16}{outcome.variant.name:<26}{outcome.config.seed:>5}"
    sizes = f"{outcome.num_parameters:>11,}{outcome.processor_seconds:>8.0f} s"
    trained = f"{first.validation.mse:>12.4f}{first.test.mse:>9.4f} / {first.test.mae:.4f}"
    return names + sizes + trained + "".join(_beyond(one) for one in others)


def _beyond(answer: Answer) -> str:
    return f"  {answer.horizon} {answer.way} {answer.validation.mse:.4f} {answer.test.mse:.4f}"


HEADER = (
    f"{'part':<16}{'in its place':<26}{'seed':>5}{'parameters':>11}{'processor':>10}"
    f"{'validation':>12}{'test MSE / MAE':>18}  beyond: horizon, way, validation, test"
)
