"""What every test runs under: one thread of torch, reproducible examples, no GPU test without a GPU."""

import os

import hypothesis
import pytest
import torch

torch.set_num_threads(1)

hypothesis.settings.register_profile("longshot", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("longshot")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
