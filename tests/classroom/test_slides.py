"""Slides: every heading of a lesson begins one, and nothing of the lesson is lost, changed or fetched from elsewhere."""

import html
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]

from classroom import slides

LESSON = next(ROOT.glob("notebooks/03_*.ipynb"))


def plain(text):
    """What a heading says, without Markdown or HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>|[`*¶]", "", text)).split())


def headings(lesson):
    texts = [cell.source for cell in lesson.cells if cell.cell_type == "markdown"]
    prose = re.sub(r"```.*?```", "", "\n\n".join(texts), flags=re.DOTALL)
    return [plain(title) for title in re.findall(r"^#{1,3} (.+)$", prose, re.MULTILINE)]


def figures(lesson):
    outputs = [output for cell in lesson.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    return re.findall(r'<img alt="(.*?)"', shown, re.DOTALL)


def pictures(page, formulas):
    """The descriptions of all pictures of a page that are formulas, or that are not."""
    tags = re.findall(r"<img [^>]*>", page)
    chosen = [tag for tag in tags if ('class="formula"' in tag) == formulas]
    return [html.unescape(re.search(r'alt="(.*?)"', tag, re.DOTALL)[1]) for tag in chosen]


@pytest.fixture(scope="module")
def made():
    lesson = nbformat.read(LESSON, as_version=4)
    before = nbformat.writes(lesson)
    page = slides.page(lesson, "a title")
    assert nbformat.writes(lesson) == before, "the lesson was changed"
    return lesson, page


def test_each_heading_is_a_slide(made):
    lesson, page = made
    parts = re.findall(r"<section>(.*?)</section>", page, re.DOTALL)
    assert page.count("<section>") == page.count("</section>") == len(parts)
    titles = [re.findall(r"<h[123][^>]*>(.*?)</h[123]>", part, re.DOTALL) for part in parts]
    assert [plain(title) for one in titles for title in one] == headings(lesson)
    assert all(len(one) == 1 for one in titles)


def test_all_figures_with_their_descriptions(made):
    lesson, page = made
    wanted = figures(lesson)
    assert len(wanted) == 7
    assert pictures(page, formulas=False) == [html.unescape(alt) for alt in wanted]


def test_all_code_and_all_printed_text(made):
    lesson, page = made
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    for cell in lesson.cells:
        if cell.cell_type == "code":
            assert cell.source.splitlines()[0] in text
            for output in cell.outputs:
                assert output.get("text", "").strip().split("\n")[0] in text


def test_nothing_is_loaded_from_elsewhere(made):
    _, page = made
    assert not re.search(r"""<(link|script)\b[^>]*(href|src)=|@import|url\(['"]?http|<img [^>]*src="(?!data:)""", page)
    assert page.count("<script") == 1


def test_answers_stay_folded_and_formulas_are_pictures_with_a_description(made):
    lesson, page = made
    answers = sum(cell.source.count("<details>") for cell in lesson.cells if cell.cell_type == "markdown")
    folds = page.count("<details>") - page.count("Code of the figure") - page.count("<summary>Imports")
    assert folds == answers and "<details open" not in page
    alts = pictures(page, formulas=True)
    assert r"\sqrt{(n-1)/n}" in alts and len(alts) == 8


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("# a\nb\n## c", ["# a\nb\n", "## c"]),
        ("a\n\n### b\nc", ["a\n\n", "### b\nc"]),
        ("## a\n```\n# no heading\n```", ["## a\n```\n# no heading\n```"]),
        ("#### too deep\n#tag", ["#### too deep\n#tag"]),
    ],
)
def test_text_is_cut_before_headings_only(text, wanted):
    assert slides.pieces(text) == wanted


def test_formulas_in_code_stay():
    assert slides.outside_code(lambda part: slides.FORMULA.sub("F", part), "$a$ `$b$` $$c$$") == "F `$b$` F"


def test_command_writes_a_file_for_each_lesson(tmp_path, capsys):
    slides.main(["01", "--out", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["01_embedding.slides.html"]
    assert "01_embedding.slides.html" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no lesson '44'; there are 01, 02"):
        slides.main(["44"])


def test_imports_and_long_code_of_figures_are_folded(made):
    _, page = made
    folds = dict(
        re.findall(r"<details><summary>(Imports|Code of the figure)</summary>(.*?)</details>", page, re.DOTALL)
    )
    assert "import" in plain(folds["Imports"]) and "plt.subplots" in plain(folds["Code of the figure"])
