"""`longshot anomalies`: observations of a table that lie outside what a version expected."""

import uuid
from typing import Annotated

import orjson
import pandas as pd
import typer
from rich.console import Console

from app.anomalies import Detection, Suspicion, Verdict
from app.cli.answers import AsJson
from app.cli.home import open_registry
from app.cli.options import (
    Duplicates,
    File,
    Freq,
    FutureCovariate,
    ItemId,
    ModelReference,
    OutputFormat,
    PastCovariate,
    StaticCovariate,
    Target,
    Timestamp,
    name_columns,
)
from app.cli.refusals import one_line
from app.cli.tables import Format, choose_format, load_panel, to_bytes, write_output
from app.forecasting import Forecasting, LoadedVersions
from app.schemas.anomalies import from_verdict
from app.schemas.horizon import parse_moment
from app.settings import Settings
from model import ItemAnomalies, Search, limit_threads


@one_line
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: File,
    model: ModelReference,
    last: Annotated[
        int | None, typer.Option(min=1, help="How many of the last observations (default: the trained horizon).")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="The first date to judge, instead.")] = None,
    level: Annotated[float, typer.Option(help="Of the interval, in percent.")] = 99.0,
    lead: Annotated[int, typer.Option(min=1, help="Steps that one forecast is used for.")] = 1,
    item_id: ItemId = None,
    timestamp: Timestamp = None,
    target: Target = None,
    past_covariate: PastCovariate = [],  # noqa: B006 - Typer copies it
    future_covariate: FutureCovariate = [],  # noqa: B006
    static_covariate: StaticCovariate = [],  # noqa: B006
    freq: Freq = None,
    duplicates: Duplicates = "error",
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE|-", help="Where to write it.")] = "-",
    format: OutputFormat = None,  # noqa: A002
    every: Annotated[bool, typer.Option("--all", help="As a table: every observation judged.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Judge the last observations of a table by forecasts made before them; prints those outside the interval."""
    if last is not None and since is not None:
        raise typer.BadParameter("choose one of --last and --since")
    settings = Settings.from_environment()
    beside = (past_covariate, future_covariate, static_covariate)
    columns = name_columns(item_id, timestamp, target, *beside)
    panel = load_panel(file, columns, freq, duplicates)
    search = Search(level, last, None if since is None else parse_moment(since), lead)
    limit_threads(settings.training_threads)
    with open_registry(settings) as registry, Console(stderr=True).status(f"Judging {len(panel)} series"):
        forecasting = Forecasting(registry, LoadedVersions(1), max_steps=settings.max_horizon_steps)
        detection = Detection(registry, forecasting, max_cutoffs=settings.max_cutoffs)
        verdict = detection.judge(Suspicion(model, panel.series, search, is_partial=False))
    chosen = choose_format(format, output, as_json=as_json)
    if chosen == "json":
        content = from_verdict(verdict, search, answer_id=f"an_{uuid.uuid4().hex}")
        write_output(output, orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())
    else:
        write_output(output, _write(_to_table(verdict, every=every), chosen, output))
    _summarise(verdict, search)


def _judged(verdict: Verdict) -> list[ItemAnomalies]:
    return [one for one in verdict.items if isinstance(one, ItemAnomalies)]


def _to_table(verdict: Verdict, *, every: bool) -> pd.DataFrame:
    tables = [
        pd.DataFrame(
            {
                "item_id": one.item_id,
                "timestamp": one.local_timestamps(),
                "value": one.values,
                "expected": one.expected,
                "lower": one.lower,
                "upper": one.upper,
                "score": one.scores,
                "is_anomaly": one.is_anomaly,
            }
        )
        for one in _judged(verdict)
    ]
    whole = pd.concat(tables, ignore_index=True)
    return whole if every else whole[whole["is_anomaly"]]


def _write(table: pd.DataFrame, format: Format, output: str) -> str | bytes:  # noqa: A002
    if format != "csv":
        return to_bytes(table, format, output)
    times = [one.isoformat() if isinstance(one, pd.Timestamp) else one for one in table["timestamp"]]
    texts = table.assign(timestamp=times)
    return texts.to_csv(index=False, lineterminator="\n", float_format="%.10g")


def _summarise(verdict: Verdict, search: Search) -> None:
    found = _judged(verdict)
    number, judged = sum(int(one.is_anomaly.sum()) for one in found), verdict.points_out
    by_chance = judged * (1 - search.level / 100)
    typer.echo(
        f"{number} of {judged} observations lie outside the {search.level:g} % interval; "
        f"about {by_chance:.3g} would by chance.",
        err=True,
    )
    for one in found:
        for notice in one.notices:
            typer.echo(f"{one.item_id}: {notice.detail} ({notice.code})", err=True)
