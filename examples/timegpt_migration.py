"""A program written for TimeGPT, asked of Longshot instead: only its environment changes.

    export NIXTLA_BASE_URL=http://127.0.0.1:8000/compat/nixtla
    export NIXTLA_API_KEY=anything         # until the service asks for a key of its own
    python3 -m venv .venv-timegpt          # of its own: the package needs pandas 2, Longshot 3
    .venv-timegpt/bin/pip install 'nixtla>=0.9,<1'
    .venv-timegpt/bin/python examples/timegpt_migration.py

The one thing to add: TimeGPT comes trained, Longshot learns from your series, so a `finetune` comes before all else.
"""

import numpy as np
import pandas as pd
from nixtla import NixtlaClient

MONTHS = pd.date_range("2016-01-01", periods=96, freq="MS")


def sales() -> pd.DataFrame:
    """Eight years of monthly sales of three shops: a season, a trend, noise."""
    random = np.random.default_rng(0)
    steps = np.arange(len(MONTHS))
    shops = {"north": 120.0, "south": 80.0, "west": 200.0}
    return pd.concat(
        pd.DataFrame(
            {
                "unique_id": shop,
                "ds": MONTHS,
                "y": level * (1 + 0.2 * np.sin(2 * np.pi * steps / 12) + 0.002 * steps + 0.02 * random.normal(size=96)),
            }
        )
        for shop, level in shops.items()
    )


def main() -> None:
    """What a TimeGPT user does on a first day."""
    client = NixtlaClient()
    assert client.validate_api_key()
    frame = sales()

    # So few steps are enough for an example; left out, training goes on for as long as it pays.
    model = client.finetune(frame, freq="MS", finetune_steps=50, output_model_id="sales")

    forecast = client.forecast(frame, h=12, freq="MS", level=[90], finetuned_model_id=model)
    print(forecast.groupby("unique_id").head(3).to_string(index=False))

    tested = client.cross_validation(frame, h=12, n_windows=2, freq="MS", model=model)
    print(f"Mean absolute error over two windows: {(tested['y'] - tested['TimeGPT']).abs().mean():.1f}")

    odd = frame.reset_index(drop=True)
    odd.loc[90, "y"] *= 2
    found = client.detect_anomalies_online(odd, h=6, detection_size=12, freq="MS", level=99, model=model)
    print(found[found["anomaly"]].to_string(index=False))


if __name__ == "__main__":
    main()
