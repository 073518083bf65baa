"""A plain FastAPI route around neuralforecast's predict, of an NHITS trained on the same data; in its own environment.

    PYTHON benchmarks/peer_server.py TRAINING.json

The file has `start`, `freq`, `target`, `context` and `horizon`. The route takes the body that the service takes, of one
series, and answers with its means.
"""

import json
import logging
import socket
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import uvicorn
from fastapi import FastAPI, Request
from neuralforecast import NeuralForecast
from neuralforecast.models import NHITS

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")
torch.set_num_threads(1)


def to_frame(item_id: str, start: str, freq: str, target: list[float]) -> pd.DataFrame:
    """One series as neuralforecast takes it."""
    times = pd.date_range(start, periods=len(target), freq=freq).tz_localize(None)
    return pd.DataFrame({"unique_id": item_id, "ds": times, "y": target})


def train(given: dict[str, Any]) -> NeuralForecast:
    """An NHITS of its usual size, hardly trained, as the service's version is."""
    model = NHITS(
        h=given["horizon"],
        input_size=given["context"],
        max_steps=2,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
    )
    peer = NeuralForecast(models=[model], freq=given["freq"])
    peer.fit(to_frame("a", given["start"], given["freq"], given["target"]))
    return peer


def main() -> None:
    """Trains, listens, and says where."""
    peer = train(json.loads(Path(sys.argv[1]).read_text()))
    application = FastAPI()

    @application.post("/")
    async def predict(request: Request) -> dict[str, list[float]]:
        series = json.loads(await request.body())["series"][0]
        found = peer.predict(df=to_frame(series["item_id"], series["start"], series["freq"], series["target"]))
        return {"mean": found["NHITS"].tolist()}

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
