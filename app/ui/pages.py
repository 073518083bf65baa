"""The web page: one template for each address; what it shows, its scripts fetch from the public interface."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import jinja2
from fastapi import APIRouter
from starlette.responses import HTMLResponse

PAGES: Final = {
    "/": "home",
    "/sign-in": "sign_in",
    "/datasets": "datasets",
    "/datasets/{dataset_id}": "dataset",
    "/jobs": "jobs",
    "/jobs/{job_id}": "job",
    "/models": "models",
    "/models/{name}": "model",
    "/models/{name}/{version}": "version",
    "/backtests": "backtests",
    "/backtests/{job_id}": "backtest",
    "/forecast": "forecast",
    "/forecasts": "forecasts",
    "/forecasts/{forecast_id}": "kept_forecast",
    "/embed/forecasts/{forecast_id}": "embed",
    "/embed/backtests/{job_id}": "embed",
    "/embed/training-jobs/{job_id}": "embed",
    "/keys": "keys",
}
"""The template of each address; a part in braces is read by the page's script."""

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

router = APIRouter(include_in_schema=False)


MISSING: Final = _TEMPLATES.get_template("missing.html").render(name="missing")
"""What a browser is shown where there is nothing."""


def _show(name: str) -> Callable[[], HTMLResponse]:
    page = _TEMPLATES.get_template(f"{name}.html").render(name=name)

    def get_page() -> HTMLResponse:
        return HTMLResponse(page)

    return get_page


for _path, _name in PAGES.items():
    router.add_api_route(_path, _show(_name), methods=["GET"])
