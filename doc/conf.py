"""Configuration of Sphinx. ``make doc`` builds the manual with warnings as errors."""

import sys
from pathlib import Path

from lsst.ts.calibscripts import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "ts_calibscripts"
project_copyright = "the contributors of ts_calibscripts, GPL-3.0-or-later"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "calibdoc",
]
exclude_patterns = ["_build", "news"]
templates_path = ["_templates"]
default_role = "py:obj"
# Blocks after a double colon are what one types.
highlight_language = "none"

html_theme = "furo"
html_title = f"ts_calibscripts {release}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["manual.css"]

autosummary_generate = True
# A package documents what it offers: the names in its __all__, wherever they are defined.
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_member_order = "bysource"
# Types stand in the code alone; sections of docstrings describe.
autodoc_typehints = "signature"
# What a module offers again stands in two places, and a type leads to the first.
suppress_warnings = ["ref.python"]
numpydoc_show_class_members = False
