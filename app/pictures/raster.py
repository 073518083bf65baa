"""An SVG of ours as PNG, with the font that is shipped along, so that it looks the same on every machine."""

from pathlib import Path
from typing import Final

import resvg_py

_FONT: Final = str(Path(__file__).parent / "fonts" / "DejaVuSans.ttf")


def to_png(svg: str) -> bytes:
    """The picture in pixels, as large as it says it is."""
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            font_files=[_FONT],
            skip_system_fonts=True,
            font_family="DejaVu Sans",
            sans_serif_family="DejaVu Sans",
        )
    )
