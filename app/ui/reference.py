"""GET /docs: the interface, to read and to try in a browser, by the Swagger UI that is shipped along."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

STATIC: Final = StaticFiles(directory=Path(__file__).parent / "static")
_SWAGGER: Final = "/static/swagger-ui-5.35.0"
_PAGE: Final = f"""<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Longshot: the interface</title>
    <link rel="icon" href="{_SWAGGER}/favicon-32x32.png">
    <link rel="stylesheet" href="{_SWAGGER}/swagger-ui.css">
  </head>
  <body>
    <main id="swagger-ui"></main>
    <script src="{_SWAGGER}/swagger-ui-bundle.js"></script>
    <script src="/static/reference.js"></script>
  </body>
</html>
"""

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def get_reference() -> HTMLResponse:
    """The page; it reads /openapi.json."""
    return HTMLResponse(_PAGE)
