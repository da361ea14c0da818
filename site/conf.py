"""Sphinx's settings: stored outputs, formulas as MathML, nothing from another host."""

import re
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sources import ROOT, repository

LIVE = ROOT / "lib" / "live"

project = "WaveNet in stages"
language = "en"
extensions = ["myst_nb"]
highlight_language = "none"
exclude_patterns = ["files/**", "outputs/**"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "off"
nb_ipywidgets_js = {}
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "sphinx_book_theme"
html_math_renderer = "mathml"
html_title = project
templates_path = [str(Path(__file__).with_name("templates"))]
html_static_path = [str(Path(__file__).with_name("static"))]
html_favicon = str(Path(__file__).with_name("static") / "icon.svg")
html_css_files = ["site.css"]
if LIVE.is_dir():
    html_css_files.append("live/style.css")
    html_js_files = [("live.js", {"type": "module"})]
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_persistent": [],
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    "footer_content_items": [],
}
if address := repository():
    html_theme_options["icon_links"] = [{"name": "Repository", "url": address, "icon": "fa-solid fa-code-branch"}]


def mathml(formula: str, display: str) -> str:
    """A formula as MathML, which browsers show and read aloud without a script.

    Raises:
        ValueError: the formula has a command that is not known.
    """
    result = convert(formula, display=display)
    if unknown := re.search(r"\\\w+", result):
        raise ValueError(f"formula {formula!r}: latex2mathml does not know {unknown[0]}")
    return result


def visit_inline(translator, node):
    translator.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_block(translator, node):
    # Keyboard users can scroll what is wider than a narrow screen.
    translator.body.append(f'<div class="math" tabindex="0">{mathml(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def keep_parts_apart(app, pagename, templatename, context, doctree):
    """Previous and next do not lead from the readers' part to the teacher's, nor back."""
    for name in ("prev", "next"):
        link = (context.get(name) or {}).get("link", "")
        if link.startswith("../") if pagename.startswith("teacher/") else "teacher/" in link:
            context[name] = None


def guide(app, pagename, templatename, context, doctree):
    """The tour shows one stop at a time."""
    if pagename == "tour":
        app.add_js_file("tour.js", type="module")


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("html-page-context", keep_parts_apart)
    app.connect("html-page-context", guide)
