"""`longshot worker`: the process that does trainings and backtests."""

from app.cli.refusals import one_line
from app.settings import Settings
from app.telemetry import configure_logging
from app.worker import run_worker


@one_line
def command() -> None:
    """Do trainings and backtests, and nothing else."""
    settings = Settings.from_environment()
    configure_logging(settings.log_format, settings.log_level)
    run_worker(settings)
