"""The scores of a backtest as tables in a terminal."""

from rich.table import Table

from model import BacktestReport

_BASELINE = "seasonal_naive"


def exam_table(report: BacktestReport) -> Table:
    """The scores of the exam that a training ends with."""
    return score_table(report, f"The last {report.horizon * report.num_cutoffs} steps, held back from training")


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


def lead_table(report: BacktestReport) -> Table:
    """The MASE of every method by lead, and how much of the truth Longshot's 80 % interval covered."""
    table = Table("leads", title="MASE by lead, in steps after the cutoff", title_justify="left")
    for column in (*(score.method.replace("_", " ") for score in report.scores), "coverage", "observed"):
        table.add_column(column, justify="right")
    for one in report.leads:
        found = {score.method: score for score in one.scores}
        coverage = next((score.coverage for score in one.scores if score.coverage is not None), None)
        table.add_row(
            str(one.first_lead) if one.first_lead == one.last_lead else f"{one.first_lead}-{one.last_lead}",
            *(f"{found[score.method].mase:.3f}" if score.method in found else "" for score in report.scores),
            "" if coverage is None else f"{coverage:.1%}",
            f"{one.num_observations:,}",
        )
    return table


def _compact(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
