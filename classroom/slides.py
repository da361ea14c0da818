"""Slides of a lesson in one file that needs no network: one slide per heading, with code, outputs and figures.

    python -m classroom.slides 03            writes notebooks/03_batchnorm_dimensions.slides.html
    python -m classroom.slides 03 04 --out FOLDER

The lesson itself is not changed. Arrow keys, space, Page Up and Page Down move between slides; a slide that is longer than
the screen is scrolled to its end first. Answers, imports and long code of figures stay folded until they are clicked. In
print, each slide begins on a new page.

Why not nbconvert's SlidesExporter: its pages load reveal.js and MathJax from the network.
"""

import argparse
import base64
import html
import re
import sys
from io import BytesIO
from pathlib import Path

import nbformat
from matplotlib.mathtext import math_to_image
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
CODE = re.compile(r"(^```.*?^```|`+[^`\n]+`+)", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(?=#{1,3} )", re.MULTILINE)
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
WIDGET = "application/vnd.jupyter.widget-view+json"

# nbconvert's page without what it would load from the network: require.js, MathJax, mermaid.
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}<style>STYLE</style>{%- endblock -%}
{%- block any_cell -%}{{ cell.metadata.get('slide', '') }}{{ super() }}{%- endblock -%}
{%- block input_group -%}
{%- if cell.metadata.get('folded') -%}<details><summary>{{ cell.metadata.folded }}</summary>{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
{%- block body_footer -%}</section>{{ super() }}{%- endblock -%}
{%- block footer_js -%}<script>SCRIPT</script>{%- endblock -%}
"""

STYLE = """
html { font-size: clamp(16px, 1.25vw, 28px); background: white; }
body.jp-Notebook {
  --jp-content-font-size1: 1.25rem; --jp-ui-font-size1: 1.25rem; --jp-code-font-size: 1.05rem; margin: 0; padding: 0;
}
section {
  min-height: 100vh; box-sizing: border-box; padding: 2.5rem 5vw 3rem; border-bottom: 1px solid #ccc;
  font-family: var(--jp-content-font-family);
}
section .jp-Cell { padding: 0.2rem 0; }
section .jp-RenderedHTMLCommon { padding-right: 0; line-height: 1.45; }
section .jp-RenderedHTMLCommon h1 { font-size: 2.2rem; }
section .jp-RenderedHTMLCommon h2 { font-size: 1.9rem; }
section .jp-RenderedHTMLCommon h3 { font-size: 1.55rem; }
section pre { white-space: pre-wrap; }
section figure img { width: auto; max-width: 100%; min-width: 55%; max-height: 80vh; object-fit: contain; }
section details { background: #f3f6fa; border-left: 4px solid #0072B2; padding: 0.3rem 0.8rem; margin: 0.5rem 0; }
section summary { cursor: pointer; font-weight: bold; }
section div:has(> img.formula) { margin: 1rem 0; }
img.formula { vertical-align: middle; width: auto; }
@media print { section { break-after: page; min-height: 0; border: 0; } }
"""

SCRIPT = """
const slides = [...document.querySelectorAll('section')];
function go(way) {
  const here = window.scrollY, page = window.innerHeight, inside = here + way * 0.85 * page;
  const tops = slides.map(slide => slide.getBoundingClientRect().top + here);
  const now = Math.max(0, tops.findLastIndex(top => top <= here + 2));
  const top = tops[now], end = top + slides[now].offsetHeight - page;
  let to;
  if (way > 0) to = here >= end - 2 ? tops[now + 1] ?? here : Math.min(inside, end);
  else if (here > top + 2) to = Math.max(inside, top);
  else to = now > 0 ? Math.max(tops[now - 1], top - page) : 0;
  window.scrollTo(0, to);
}
const ways = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, ' ': 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
document.addEventListener('keydown', event => {
  const busy = event.target.closest('summary, a, audio, input, button') && event.key === ' ';
  if (!(event.key in ways) || busy || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  go(event.key === ' ' && event.shiftKey ? -1 : ways[event.key]);
});
"""


def formula(match: re.Match[str]) -> str:
    """A formula as an SVG picture, with its source as alternative text."""
    source, file = " ".join((match[1] or match[2]).split()), BytesIO()
    displayed = source.replace("\\frac", "\\dfrac") if match[1] else source
    math_to_image(f"${displayed}$", file, dpi=72, format="svg")
    svg = file.getvalue()
    points = float(re.search(rb'height="([\d.]+)pt"', svg)[1])  # for letters of 10 points
    size = f"height: {0.125 * points:.2f}rem"
    data = base64.b64encode(svg).decode()
    image = f'<img class="formula" alt="{html.escape(source)}" style="{size}" src="data:image/svg+xml;base64,{data}">'
    return f"\n\n<div>{image}</div>\n\n" if match[1] else image


def outside_code(change, text: str) -> str:
    """Apply a change to a Markdown text, but not to the code in it."""
    parts = CODE.split(text)  # code has the odd places
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def split_at_headings(text: str) -> list[str]:
    """A Markdown text, split before each heading of level 1 to 3 that is not in code."""
    return [part for part in outside_code(lambda part: HEADING.sub("\0", part), text).split("\0") if part.strip()]


def fold(cell: NotebookNode) -> str:
    """The label of the fold that hides a code cell (imports, long code of a figure); "" if it is shown."""
    if not cell.outputs and re.match(r"(import|from) ", cell.source):
        return "Imports"
    figure = any("<figure" in output.get("data", {}).get("text/html", "") for output in cell.outputs)
    return "Code of the figure" if figure and cell.source.count("\n") > 5 else ""


def slides(lesson: NotebookNode) -> NotebookNode:
    """A copy of the lesson with marks where slides begin, without widgets, which need a kernel."""
    copy, cells, opening = nbformat.from_dict(lesson), [], "<section>"
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
            cell.metadata["folded"] = fold(cell)
            cells.append(cell)
        for text in split_at_headings(cell.source) if cell.cell_type == "markdown" else []:
            cells.append(new_markdown_cell(outside_code(lambda part: FORMULA.sub(formula, part), text)))
            if HEADING.match(text):
                cells[-1].metadata["slide"], opening = opening, "</section><section>"
    copy.cells = cells
    copy.metadata.pop("widgets", None)
    return copy


def page(lesson: NotebookNode, title: str) -> str:
    """All slides as one HTML page."""
    copy = slides(lesson)
    copy.metadata["title"] = title
    template = TEMPLATE.replace("STYLE", STYLE).replace("SCRIPT", "{% raw %}" + SCRIPT + "{% endraw %}")
    exporter = HTMLExporter(raw_template=template, exclude_input_prompt=True, exclude_output_prompt=True)
    return exporter.from_notebook_node(copy)[0]


def main(words: list[str] | None = None) -> None:
    """Write the slides of each lesson that is named by its number."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="+", metavar="LESSON", help="number of a lesson, with two digits: 03")
    parser.add_argument("--out", type=Path, default=NOTEBOOKS, help="a folder; default: notebooks, where links work")
    options = parser.parse_args(words)
    lessons = {path.name[:2]: path for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}
    options.out.mkdir(parents=True, exist_ok=True)
    for number in options.lessons:
        if number not in lessons:
            sys.exit(f"There is no lesson {number!r}; there are {', '.join(lessons)}.")
        stem = lessons[number].stem
        target = options.out / f"{stem}.slides.html"
        lesson = nbformat.read(lessons[number], as_version=4)
        target.write_text(page(lesson, f"{stem}: slides"), encoding="utf-8")
        print(target)


if __name__ == "__main__":
    main()
