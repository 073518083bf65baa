"""`longshot export`: a version for use elsewhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.bundles import bundle
from app.cli.answers import AsJson, echo_json
from app.cli.home import open_registry
from app.cli.refusals import one_line
from app.frames import FileNotWritable
from app.mlflow_export import export_to_mlflow
from app.settings import Settings
from app.stores.versions import Version

Target = Literal["bundle", "mlflow"]


@one_line
def command(
    model: Annotated[str, typer.Argument(help="NAME, NAME@ALIAS or NAME/VERSION.")],
    format: Annotated[  # noqa: A002
        Target, typer.Option(help="A file for another Longshot, or a folder for mlflow.pyfunc.load_model.")
    ] = "bundle",
    to: Annotated[Path | None, typer.Option(help="Where to write (default: NAME-N.tar, or the folder NAME-N).")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Write a version for use elsewhere: a bundle, or an MLflow model."""
    export(model, format, to, as_json=as_json)


def export(model: str, format: Target, to: Path | None, *, as_json: bool) -> None:  # noqa: A002
    """Writes a version, and says where it is.

    Raises:
        ForecastingError: There is none, it is damaged, or it cannot be written there.
    """
    with open_registry(Settings.from_environment()) as registry:
        version = registry.resolve(model)
        checkpoint = registry.checkpoint_path(version)
    if format == "mlflow":
        path = to or Path(f"{version.name}-{version.number}")
        export_to_mlflow(version, checkpoint, path)
    else:
        path = to or Path(f"{version.name}-{version.number}.tar")
        _write_bundle(version, checkpoint, path)
    if as_json:
        echo_json({"version": str(version), "digest": version.digest, "path": str(path)})
    else:
        typer.echo(f"{version} is in {path}.")


def _write_bundle(version: Version, checkpoint: Path, path: Path) -> None:
    content = b"".join(bundle(version, checkpoint))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise FileNotWritable(str(path), (error.strerror or "it failed").lower()) from error
