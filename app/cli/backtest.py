"""`longshot backtest`: a version beside the baselines."""

from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.cli.options import (
    Duplicates,
    File,
    Freq,
    ItemId,
    ModelReference,
    Target,
    Timestamp,
    count_steps,
    load_panel,
    open_registry,
    write_output,
)
from app.cli.refusals import one_line
from app.frames import Columns
from app.schemas.horizon import parse_horizon
from app.settings import Settings
from model import BacktestReport, Forecaster, backtest, limit_threads

_BASELINE = "seasonal_naive"


@one_line
def command(
    file: File,
    model: ModelReference,
    horizon: Annotated[
        str | None, typer.Option(metavar="336|7D", help="Steps or a duration (default: what it was trained on).")
    ] = None,
    windows: Annotated[int, typer.Option(min=1, help="Cutoffs a series, one horizon apart.")] = 1,
    item_id: ItemId = None,
    timestamp: Timestamp = None,
    target: Target = None,
    freq: Freq = None,
    duplicates: Duplicates = "error",
    json_path: Annotated[
        str | None, typer.Option("--json", metavar="FILE|-", help="Write the scores as JSON; - prints nothing else.")
    ] = None,
) -> None:
    """Score a version on a table beside the baselines."""
    panel = load_panel(file, Columns(item_id, timestamp, target), freq, duplicates)
    settings = Settings.from_environment()
    limit_threads(settings.training_threads)
    registry = open_registry(settings)
    version = registry.resolve(model)
    forecaster = Forecaster.load(registry.checkpoint_path(version))
    num_steps = forecaster.config.horizon
    if horizon is not None:
        num_steps = count_steps(panel.series[0], parse_horizon(horizon), forecaster.config.freq)
    with Console(stderr=True).status(f"Forecasting {len(panel)} series from {windows} cutoffs"):
        report = backtest(forecaster, panel, horizon=num_steps, num_cutoffs=windows)
    if json_path != "-":
        _show(str(version), report)
    if json_path is not None:
        content = {"model": str(version), **report.to_json()}
        write_output(json_path, orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())


def score_table(report: BacktestReport, title: str) -> Table:
    """The scores of all methods, and each one's MASE as a share of the seasonal naive method's."""
    table = Table("method", title=title, title_justify="left")
    for column in ("MASE", "/ naive", "sMAPE", "MAE", "pinball", "coverage"):
        table.add_column(column, justify="right")
    naive = next((score.mase for score in report.scores if score.method == _BASELINE), float("nan"))
    for score in report.scores:
        table.add_row(
            score.method.replace("_", " "),
            f"{score.mase:.3f}",
            f"{score.mase / naive:.3f}" if naive else "",
            f"{score.smape:.2f}",
            _compact(score.mae),
            "" if score.pinball is None else _compact(score.pinball),
            "" if score.coverage is None else f"{score.coverage:.1%}",
        )
    return table


def _compact(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _show(version: str, report: BacktestReport) -> None:
    console = Console()
    console.print(
        score_table(
            report,
            f"{version}: {report.num_forecasts} x {report.horizon} steps forecast, season {report.season_length}",
        )
    )
    console.print("Coverage is of the 80 % interval; / naive is the MASE as a share of the seasonal naive method's.")
    if report.overlaps_training:
        console.print("[yellow]This version has seen some of what it was asked to forecast[/]: train with --holdout.")
