"""The relative links of Markdown pages and notebooks."""

import json
import re
import urllib.parse
from functools import cache
from pathlib import Path


def prose(path: Path) -> str:
    """The text of a Markdown file, or of a notebook's Markdown cells, without code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


@cache
def anchors(path: Path) -> set[str]:
    """The headings of a page, as links name them: JupyterLab's way for a notebook, a code host's for Markdown."""
    titles = re.findall(r"^#{1,4} (.+?)\s*$", prose(path), re.MULTILINE)
    if path.suffix == ".ipynb":
        return {re.sub(r"[`*]", "", title).replace(" ", "-") for title in titles}
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(text: str) -> list[str]:
    """All links and pictures that are no addresses, in their order."""
    text = re.sub(r"`[^`\n]*`", "", text)
    targets = re.findall(r"\]\(<?([^)\s>]+)|(?:href|src)=\"([^\"]+)\"", text)
    return [target for pair in targets if not re.match(r"[a-z]+:", target := "".join(pair))]


def broken_links(path: Path, text: str | None = None) -> list[str]:
    """Links of the page at `path` that lead to no file, or to no heading of it. Text: default what is in the file."""
    broken = []
    for link in links(prose(path) if text is None else text):
        file, _, anchor = urllib.parse.unquote(link).partition("#")
        target = (path.parent / file).resolve() if file else path
        has_headings = target.suffix in (".md", ".ipynb")
        if not target.exists() or (anchor and has_headings and anchor not in anchors(target)):
            broken.append(link)
    return broken
