"""From a table to a forecast: train a version on a service, ask it, look at it.

longshot serve                     # in another terminal
python examples/quickstart.py      # or LONGSHOT_URL=http://host:8000 python examples/quickstart.py
"""

from pathlib import Path

import pandas as pd

from app.client import Longshot

DATA = Path(__file__).parent / "data" / "metro_traffic.csv.gz"
DAY = 24


def main() -> None:
    """Forecasts the last two days of half a year of traffic, and says how far off that was."""
    traffic = pd.read_csv(DATA, parse_dates=["date_time"]).groupby("date_time", as_index=False).mean()
    history, truth = traffic.iloc[-183 * DAY : -2 * DAY], traffic.iloc[-2 * DAY :]

    with Longshot() as longshot:
        job = longshot.fit(
            history,
            model="quickstart",
            policy="promote",
            horizon=2 * DAY,
            context_length=14 * DAY,
            num_epochs=6,
            steps_per_epoch=25,
        )
        forecast = longshot.forecast(history, model="quickstart", horizon=2 * DAY, interval_levels=[80])

    print(f"{job.version} is trained. What it expects of the next hours:")
    print(
        forecast.frame[["date_time", "mean", "lower_80", "upper_80"]]
        .head(6)
        .to_string(index=False, float_format="%.0f")
    )
    found = forecast.frame.merge(truth, on="date_time")
    error = (found["mean"] - found["traffic_volume"]).abs().mean()
    covered = found["traffic_volume"].between(found["lower_80"], found["upper_80"]).mean()
    print(
        f"Two days later: off by {error:.0f} cars an hour on average; {covered:.0%} of the hours within the interval."
    )
    forecast.plot().savefig("quickstart.png")
    print("Drawn in quickstart.png.")


if __name__ == "__main__":
    main()
