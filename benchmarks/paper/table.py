"""The runs of an experiment as a table: one row a metric, one column a parametrisation, published figures last."""

import math
import statistics
from collections.abc import Sequence

from benchmarks.paper.experiment import BudgetT, Experiment, Metric, Run, Variant, label


def table(experiment: Experiment[BudgetT], runs: Sequence[Run[BudgetT]]) -> str:
    """A Markdown table; median (lower quartile to upper quartile) over the seeds, runs that failed counted."""
    names = list(dict.fromkeys(run.task.parametrisation for run in runs))
    variants = list({label(run.task.variant): run.task.variant for run in runs}.values())
    columns = [*(variants[0] if variants else ()), "metric", *names, "published"]
    rows = [
        [*map(str, variant.values()), f"{metric.name} ({metric.unit})"]
        + [_cell(metric, _values(metric, variant, name, runs)) for name in names]
        + [", ".join(f"{whose} {value:g}" for whose, value in metric.published.items()) or "-"]
        for variant in variants
        for metric in experiment.metrics
    ]
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile, by linear interpolation."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def _values(metric: Metric, variant: Variant, name: str, runs: Sequence[Run[BudgetT]]) -> list[float]:
    return [
        run.outcome.values[metric.name]
        for run in runs
        if run.task.parametrisation == name and run.task.variant == variant
    ]


def _cell(metric: Metric, values: Sequence[float]) -> str:
    if not values:
        return ""
    finite = [value for value in values if math.isfinite(value)]
    failed = f", {len(values) - len(finite)} of {len(values)} failed" if len(finite) < len(values) else ""
    if not finite:
        return f"-{failed}"
    low, middle, high = quartiles(finite)
    if metric.summary == "mean":
        return f"{statistics.fmean(finite):.3g}{failed}"
    return (f"{middle:.3g}" if low == high else f"{middle:.3g} ({low:.3g} to {high:.3g})") + failed
