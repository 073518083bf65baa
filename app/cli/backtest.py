"""`longshot backtest`: a version beside the baselines."""

from typing import Annotated

import orjson
import typer
from rich.console import Console

from app.cli.answers import AsJson, echo_json
from app.cli.home import open_registry
from app.cli.options import (
    Duplicates,
    File,
    Freq,
    FutureCovariate,
    ItemId,
    ModelReference,
    PastCovariate,
    StaticCovariate,
    Target,
    Timestamp,
    count_steps,
    name_columns,
)
from app.cli.refusals import one_line
from app.cli.score_tables import lead_table, score_table
from app.cli.tables import load_panel, write_output
from app.schemas.horizon import parse_horizon
from app.settings import Settings
from model import BacktestReport, Cutoffs, Forecaster, backtest, limit_threads


@one_line
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: File,
    model: ModelReference,
    horizon: Annotated[
        str | None, typer.Option(metavar="336|7D", help="Steps or a duration (default: what it was trained on).")
    ] = None,
    windows: Annotated[int, typer.Option("--windows", "--cutoffs", min=1, help="Cutoffs a series.")] = 1,
    stride: Annotated[int | None, typer.Option(min=1, help="Steps between cutoffs (default: the horizon).")] = None,
    item_id: ItemId = None,
    timestamp: Timestamp = None,
    target: Target = None,
    past_covariate: PastCovariate = [],  # noqa: B006 - Typer copies it
    future_covariate: FutureCovariate = [],  # noqa: B006
    static_covariate: StaticCovariate = [],  # noqa: B006
    freq: Freq = None,
    duplicates: Duplicates = "error",
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write the scores there too, as JSON.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Score a version on a table beside the baselines."""
    beside = (past_covariate, future_covariate, static_covariate)
    columns = name_columns(item_id, timestamp, target, *beside)
    panel = load_panel(file, columns, freq, duplicates)
    settings = Settings.from_environment()
    limit_threads(settings.training_threads)
    with open_registry(settings) as registry:
        version = registry.resolve(model)
        forecaster = Forecaster.load(registry.checkpoint_path(version))
    num_steps = forecaster.config.horizon
    if horizon is not None:
        num_steps = count_steps(panel.series[0], parse_horizon(horizon), forecaster.config.freq)
    with Console(stderr=True).status(f"Forecasting {len(panel)} series from {windows} cutoffs"):
        report = backtest(forecaster, panel, Cutoffs(num_steps, windows, stride))
    content = {"model": str(version), **report.to_json()}
    if output is not None:
        write_output(output, orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())
    if as_json:
        echo_json(content)
    else:
        _show(str(version), report)


def _show(version: str, report: BacktestReport) -> None:
    console = Console()
    console.print(
        score_table(
            report,
            f"{version}: {report.num_forecasts} x {report.horizon} steps forecast, season {report.season_length}",
        )
    )
    if report.leads:
        console.print(lead_table(report))
    console.print("Coverage is of the 80 % interval; / naive is the MASE as a share of the seasonal naive method's.")
    if report.overlaps_training:
        console.print("[yellow]This version has seen some of what it was asked to forecast[/]: train with --holdout.")
