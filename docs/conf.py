"""How the site is made of these documents: `make docs`, with Sphinx."""

import logging
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).resolve().parent
# The packages are read for the reference, and the extension that does it lies beside this file.
sys.path[:0] = [str(DOCS.parent), str(DOCS)]

logging.getLogger("alembic").setLevel(logging.WARNING)

project = "Longshot"
release = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "reference_pages"]

# Links to headings are the same as on a page that shows the Markdown.
myst_heading_anchors = 4
default_role = "code"

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
napoleon_use_rtype = False
python_display_short_literal_types = True
add_module_names = False
maximum_signature_line_length = 88

# Nothing is fetched from elsewhere: system fonts, and scripts that lie beside the pages.
html_theme = "furo"
html_title = "Longshot"
html_favicon = "../app/ui/static/page/icon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0f766e",
        "color-brand-content": "#0f766e",
        "color-brand-visited": "#0f766e",
    },
    "dark_css_variables": {
        "color-brand-primary": "#4fc5b6",
        "color-brand-content": "#4fc5b6",
        "color-brand-visited": "#4fc5b6",
    },
}
