"""Slides: one per heading; nothing of the lesson is lost, changed or loaded from elsewhere."""

import html
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from classroom import slides

pytestmark = pytest.mark.classroom
ROOT = Path(__file__).resolve().parents[2]
LESSON = nbformat.read(ROOT / "notebooks" / "03_batchnorm_dimensions.ipynb", as_version=4)
FIGURE = '<figure><img alt="A &lt;line&gt;" src="data:image/png;base64,AA=="></figure>'


def plain(text):
    """The words of a heading, without Markdown or HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>|[`*¶]", "", text)).split())


def descriptions(text, formulas):
    tags = [tag for tag in re.findall(r"<img [^>]*>", text) if ('class="formula"' in tag) == formulas]
    return [html.unescape(re.search(r'alt="(.*?)"', tag, re.DOTALL)[1]) for tag in tags]


@pytest.fixture(scope="module")
def deck():
    before = nbformat.writes(LESSON)
    page = slides.page(LESSON, "a title")
    assert nbformat.writes(LESSON) == before, "the lesson was changed"
    return page


def test_each_heading_has_a_slide(deck):
    parts = re.findall(r"<section>(.*?)</section>", deck, re.DOTALL)
    titles = [re.findall(r"<h[123][^>]*>(.*?)</h[123]>", part, re.DOTALL) for part in parts]
    text = "\n\n".join(cell.source for cell in LESSON.cells if cell.cell_type == "markdown")
    headings = re.findall(r"^#{1,3} (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    assert [[plain(title) for title in one] for one in titles] == [[plain(title)] for title in headings]


def test_code_text_figures_and_folded_answers_are_kept(deck):
    text, figures = html.unescape(re.sub(r"<[^>]+>", "", deck)), ""
    for cell in LESSON.cells:
        if cell.cell_type == "code":
            assert cell.source.splitlines()[0] in text
            for output in cell.outputs:
                assert output.get("text", "").strip().split("\n")[0] in text
                figures += output.get("data", {}).get("text/html", "")
    assert descriptions(deck, formulas=False) == descriptions(figures, formulas=False) != []
    answers = sum(cell.source.count("<details>") for cell in LESSON.cells)
    assert len(re.findall("<details><summary>(?!Imports|Code of)", deck)) == answers > 0
    assert "<details open" not in deck


def test_nothing_is_loaded_from_elsewhere(deck):
    assert not re.search(r"""<(link|script)\b[^>]*(href|src)=|@import|url\(['"]?http|<img [^>]*src="(?!data:)""", deck)
    assert deck.count("<script") == 1


def test_slides_begin_at_headings_outside_code_up_to_level_3():
    text = "# a\nb\n```\n# code\n```\n#### c\n### d\n#tag\n"
    assert slides.split_at_headings(text) == ["# a\nb\n```\n# code\n```\n#### c\n", "### d\n#tag\n"]


def test_formulas_outside_code_become_pictures_with_their_source_as_description():
    lesson = new_notebook(cells=[new_markdown_cell("# $a < b$ and `$c$`\n\n$$\\frac{d}{e}$$")])
    page = slides.page(lesson, "a title")
    assert descriptions(page, formulas=True) == ["a < b", "\\frac{d}{e}"]
    assert "<code>$c$</code>" in page


def test_imports_and_long_code_of_figures_are_folded_and_widgets_left_out():
    figure = new_output("display_data", {"text/html": FIGURE})
    widget = new_output("display_data", {slides.WIDGET: {}, "text/plain": "some controls"})
    code = [("import torch", []), ("draw()\n" * 9, [figure]), ("draw()", [figure]), ("import os\nos.name", [widget])]
    lesson = new_notebook(cells=[new_code_cell(source, outputs=outputs) for source, outputs in code])
    assert [cell.metadata["folded"] for cell in slides.slides(lesson).cells] == [
        "Imports",
        "Code of the figure",
        "",
        "Imports",
    ]
    assert "some controls" not in slides.page(lesson, "a title")


def test_command_writes_one_file_per_lesson(tmp_path, capsys):
    slides.main(["01", "--out", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["01_embedding.slides.html"]
    assert "01_embedding.slides.html" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no lesson '44'; there are 01, 02"):
        slides.main(["44"])
