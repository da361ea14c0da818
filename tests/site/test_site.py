"""The built site: no warnings, nothing from another host, no dead link; pictures, headings and weights of its pages."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
LOADS = {"src", "srcset", "data", "poster"}


class Page(HTMLParser):
    """What a page loads and links to, its anchors, headings and pictures."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.ids, self.links, self.loads, self.headings, self.pictures = path, [], [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.pictures.append(attributes)
        if tag in ("a", "area") and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "link":
            self.loads.append(attributes["href"])
        self.loads += [value for name, value in attributes.items() if name in LOADS and value]


def build(folder: Path) -> None:
    command = [sys.executable, str(ROOT / "site" / "build.py"), str(folder)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "WARNING" not in result.stdout + result.stderr


@pytest.fixture(scope="module")
def pages(built):
    found = (path for path in built.rglob("*.html") if "_static" not in path.parts)
    return {path: Page(path) for path in sorted(found)}


def test_all_pages_are_there(pages):
    names = {path.name for path in pages}
    lessons = {path.with_suffix(".html").name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}
    others = (
        "accessibility",
        "index",
        "glossary",
        "shapes",
        "errata",
        "records",
        "run",
        "teaching",
        "misconceptions",
        "quizzes",
        "grading",
        "search",
    )
    assert lessons | {f"{name}.html" for name in others} <= names


def test_nothing_is_loaded_from_another_host(pages):
    folder = min(pages, key=lambda path: len(path.parts)).parent
    for path, page in pages.items():
        assert [load for load in page.loads if urlsplit(load).netloc] == [], path.name
    for path in folder.rglob("*.css"):
        assert re.findall(r"url\([\"']?(?:https?:)?//|@import [\"']?http", path.read_text(encoding="utf-8")) == [], path


def test_every_link_and_fragment_leads_somewhere(pages):
    dead = []
    for path, page in pages.items():
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages[target].ids if target in pages else []
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in known):
                dead.append(f"{path.name}: {link}")
    assert dead == []


def test_ids_are_unique(pages):
    for path, page in pages.items():
        twice = {name for name in page.ids if page.ids.count(name) > 1}
        # the theme's own, one for each width of the screen
        assert {name for name in twice if not name.startswith(("pst-", "__"))} == set(), path.name


def test_every_picture_has_a_description(pages):
    for path, page in pages.items():
        assert [picture["src"] for picture in page.pictures if not picture.get("alt")] == [], path.name
    assert sum(len(page.pictures) for page in pages.values()) > 50


def test_headings_begin_with_one_and_skip_none(pages):
    for path, page in pages.items():
        assert page.headings.count(1) == 1 and page.headings[0] == 1, f"{path.name}: {page.headings}"
        assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False)), (
            path.name
        )


def test_markdown_is_read(pages):
    """Tables and bold text in cells and in outputs alike: what a lesson prints as Markdown is no text with bars."""
    for path in pages:
        text = re.sub(r"<(pre|code|math|script)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        found = re.search(r"<p>\s*\| .{0,80}|\|[-:]{2,}\|.{0,60}|\*\*\w.{0,60}", text)
        assert not found, f"{path.name}: {found[0]}"


def test_folds_stay_folded_and_formulas_are_mathml(pages):
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert "<details open" not in text
        assert text.count("<details") == text.count("</details>"), path.name
    sampling = next(path for path in pages if path.name == "05_sampling.html").read_text(encoding="utf-8")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in sampling


def test_the_teachers_part_is_apart(pages):
    for path in pages:
        text = path.read_text(encoding="utf-8")
        steps = re.findall(r'<a class="(?:left|right)-(?:prev|next)"\s+href="([^"]+)"', text)
        if path.parent.name == "teacher":
            assert not any(step.startswith("../") for step in steps), path.name
        else:
            assert not any("teacher/" in step for step in steps), path.name
        assert steps or path.name == "search.html", f"{path.name} leads neither on nor back"


def test_pages_are_light(pages):
    folder = min(pages, key=lambda path: len(path.parts)).parent
    for path, page in pages.items():
        loads = {(path.parent / unquote(urlsplit(load).path)).resolve() for load in page.loads}
        pictures = {(path.parent / unquote(picture["src"])).resolve() for picture in page.pictures}
        assert path.stat().st_size < 300_000, path.name
        # the theme, the search index, and the page: what a reader waits for
        assert path.stat().st_size + sum(file.stat().st_size for file in loads - pictures) < 2_500_000, path.name
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 15_000_000
