"""`longshot forecast`: the series of a table, forecast."""

import sys
import uuid
from typing import Annotated

import orjson
import typer
from rich.console import Console

from app.cli.answers import AsJson
from app.cli.home import open_registry
from app.cli.options import (
    Duplicates,
    File,
    Freq,
    FutureCovariate,
    Holdout,
    ItemId,
    ModelReference,
    OutputFormat,
    PastCovariate,
    StaticCovariate,
    Target,
    Timestamp,
    hold_out,
    name_columns,
)
from app.cli.pictures import save_picture, to_frame
from app.cli.refusals import one_line
from app.cli.tables import STDIO, Format, choose_format, load_panel, to_bytes, write_output
from app.forecasting import Answer, Forecasting, LoadedVersions, Question
from app.frames import write_csv
from app.plotting import plot_forecast
from app.schemas.answers import Seconds, from_forecast
from app.schemas.horizon import parse_horizon, parse_moment
from app.settings import Settings
from app.stores.registry import Registry
from model import Horizon, ItemForecast, Panel, Paths, QuantileLevelOutOfRange, Steps, Until, limit_threads

_MOST_PLOTS = 4


@one_line
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: File,
    model: ModelReference,
    horizon: Annotated[
        str | None, typer.Option(metavar="336|7D", help="Steps or a duration (default: what it was trained on).")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Forecast up to this date instead.")] = None,
    quantiles: Annotated[str, typer.Option(help="Quantile levels, with commas between.")] = "0.1,0.5,0.9",
    samples: Annotated[int, typer.Option(min=0, max=10_000, help="Sample paths to draw.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample paths: the same one gives the same.")] = 0,
    rates: Annotated[bool, typer.Option("--rates", help="Tell how fast the mean changes, per step, too.")] = False,  # noqa: FBT002
    item_id: ItemId = None,
    timestamp: Timestamp = None,
    target: Target = None,
    past_covariate: PastCovariate = [],  # noqa: B006 - Typer copies it
    future_covariate: FutureCovariate = [],  # noqa: B006
    static_covariate: StaticCovariate = [],  # noqa: B006
    freq: Freq = None,
    duplicates: Duplicates = "error",
    holdout: Holdout = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE|-", help="Where to write it (default: -).")
    ] = None,
    format: OutputFormat = None,  # noqa: A002
    plot: Annotated[bool, typer.Option("--plot", help="Draw it in the terminal; alone, only draw it.")] = False,  # noqa: FBT002
    png: Annotated[str | None, typer.Option(metavar="FILE", help="Draw it as a picture; alone, only draw it.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Forecast the series of a table."""
    if horizon is not None and until is not None:
        raise typer.BadParameter("choose one of --horizon and --until")
    settings = Settings.from_environment()
    beside = (past_covariate, future_covariate, static_covariate)
    columns = name_columns(item_id, timestamp, target, *beside)
    history, whole = hold_out(load_panel(file, columns, freq, duplicates), holdout)
    limit_threads(settings.training_threads)
    levels = _levels(quantiles)
    paths = Paths(samples, seed)
    with open_registry(settings) as registry:
        asked = _horizon(registry, model, horizon, until)
        question = Question(model, history.series, asked, levels, is_partial=False, paths=paths, rates=rates)
        answer = _answer(registry, settings.max_horizon_steps, question)
    if output is not None or as_json or format is not None or not (plot or png):
        chosen = choose_format(format, output or STDIO, as_json=as_json)
        write_output(output or STDIO, _write(answer, levels, chosen, output or STDIO))
    _warn(answer)
    if plot:
        _plot(history, answer, whole)
    if png is not None:
        save_picture(png, history, _forecasts(answer), whole, max_items=_MOST_PLOTS)


def _horizon(registry: Registry, model: str, horizon: str | None, until: str | None) -> Horizon:
    if until is not None:
        return Until(parse_moment(until))
    return Steps(registry.resolve(model).config.horizon) if horizon is None else parse_horizon(horizon)


def _levels(text: str) -> tuple[float, ...]:
    try:
        levels = tuple(sorted({float(one) for one in text.split(",")}))
    except ValueError:
        raise typer.BadParameter(f"--quantiles is {text!r}; write levels such as 0.1,0.5,0.9") from None
    for level in levels:
        if not 0 < level < 1:
            raise QuantileLevelOutOfRange(level)
    return levels


def _answer(registry: Registry, max_steps: int, question: Question) -> Answer:
    with Console(stderr=True).status(f"Forecasting {len(question.items)} series"):
        return Forecasting(registry, LoadedVersions(1), max_steps=max_steps).answer(question)


def _forecasts(answer: Answer) -> list[ItemForecast]:
    return [one for one in answer.items if isinstance(one, ItemForecast)]


def _write(answer: Answer, levels: tuple[float, ...], format: Format, output: str) -> str | bytes:  # noqa: A002
    if format == "csv":
        return write_csv(_forecasts(answer))
    if format != "json":
        return to_bytes(to_frame(_forecasts(answer)), format, output)
    response = from_forecast(
        answer,
        answer_id=f"fc_{uuid.uuid4().hex}",
        quantile_levels=levels,
        interval_levels=(),
        seconds=Seconds(0.0, answer.load_seconds + answer.forecast_seconds),
    )
    return orjson.dumps(response, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode()


def _warn(answer: Answer) -> None:
    for forecast in _forecasts(answer):
        for notice in forecast.notices:
            typer.echo(f"{forecast.item_id}: {notice.detail} ({notice.code})", err=True)


def _plot(history: Panel, answer: Answer, whole: Panel | None) -> None:
    truths = {one.item_id: one for one in whole or ()}
    shown = list(zip(history, _forecasts(answer), strict=True))
    for series, forecast in shown[:_MOST_PLOTS]:
        truth = truths.get(series.item_id)
        typer.echo(plot_forecast(series, forecast, truth=truth, color=sys.stdout.isatty()))
    if len(shown) > _MOST_PLOTS:
        typer.echo(f"{len(shown) - _MOST_PLOTS} more series are not drawn.", err=True)
