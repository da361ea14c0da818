"""Write the sources of the site: the lessons with their stored outputs, and Markdown pages, their links made to fit.

What Sphinx reads is written here, so that lessons, README and the teacher's pages keep the form that JupyterLab and a
code host show. Needs no other package.
"""

import ast
import base64
import csv
import json
import os
import posixpath
import re
import shutil
import struct
import tomllib
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
TEACHING = ("teaching", "misconceptions", "quizzes", "grading")
# Files of the repository that are pages here, and which.
PAGES = {
    "README.md": "run.md",
    "data/README.md": "data.md",
    "notebooks/glossary.ipynb": "glossary.md",
    **{f"notebooks/{path.name}": f"lessons/{path.name}" for path in LESSONS},
    **{f"notebooks/assignments/{name}.md": f"teacher/{name}.md" for name in TEACHING},
}
SHAPES = "The sheet of shapes"
ELSEWHERE = "without-a-checkout"
OWNED = "OWNER/REPOSITORY"
CODE_OR_LINK = re.compile(r"(```.*?```|`[^`\n]*`)|(!?)(\[(?:`[^`\n]*`|[^\[\]])*\])\(<?([^()\s>]+)>?\)", re.DOTALL)
TERM = re.compile(r"^\*\*(.+?)\*\*: (.+)$", re.MULTILINE)
LIVE = re.compile(r"^<!-- live: (.+) -->$", re.MULTILINE)
DATA = re.compile(r'src="data:(?:image|audio)/(\w+);base64,([^"]+)"')


def repository() -> str | None:
    """The address of the repository: SITE_REPOSITORY if it is set, else `Repository` in pyproject's [project.urls]."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = os.environ.get("SITE_REPOSITORY") or project.get("urls", {}).get("Repository", "")
    return address.rstrip("/") or None


def on_github(address: str | None) -> str | None:
    """The part OWNER/REPOSITORY of an address on GitHub, which Binder and Colab open; None for any other address."""
    match = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?", address or "")
    return match[1] if match else None


def launchers(name: str, owned: str) -> str:
    """One line of Markdown that opens a file of the repository in Binder and in Colab."""
    binder = f"https://mybinder.org/v2/gh/{owned}/HEAD?labpath={name}"
    colab = f"https://colab.research.google.com/github/{owned}/blob/HEAD/{name}"
    return (
        f"Run it [in Binder]({binder}) or [in Colab]({colab}), there after [one more cell](../README.md#{ELSEWHERE})."
    )


def slug(heading: str) -> str:
    """The anchor of a heading on the site, from its text or from the anchor that JupyterLab gives it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def relative(name: str, page: str) -> str:
    """The address of one page or file of the site, seen from a page."""
    return posixpath.relpath(name, posixpath.dirname(page) or ".")


class Sources:
    """The folder that Sphinx reads.

    Args:
        folder: is deleted first, if it is there.
        address: of the repository; links to its files lead there. None: to copies of the files.
    """

    def __init__(self, folder: Path, address: str | None = None):
        self.folder, self.address, self.owned = folder, address, on_github(address)
        cells = json.loads((ROOT / "notebooks" / "glossary.ipynb").read_text(encoding="utf-8"))["cells"]
        self.entries = [entry for cell in cells for entry in TERM.findall("".join(cell["source"]))]
        self.terms = {term.lower(): term for term, _ in self.entries}

    def write(self) -> None:
        """Write all pages, pictures and sounds."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for path in LESSONS:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            if self.owned:
                cells[0]["source"] = [*cells[0]["source"], "\n\n", launchers(f"notebooks/{path.name}", self.owned)]
            self.notebook(path, cells, f"lessons/{path.name}")
        for name, page in PAGES.items():
            if name.endswith(".md") and name != "README.md":
                self.page(page, self.text((ROOT / name).read_text(encoding="utf-8"), name, page))
        self.readme()
        self.glossary()
        for path in (ROOT / "site" / "pages").glob("*.md"):
            if path.name != "index.md":
                text = path.read_text(encoding="utf-8").replace("<!-- wcag -->", wcag_table())
                text = self.text(text, f"site/pages/{path.name}", path.name)
                self.page(path.name, self.with_figures(text, path.name))

    def page(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def text(self, text: str, origin: str, page: str) -> str:
        """Markdown of the file `origin` as part of `page`: its links lead to pages, its terms to the glossary.

        Raises:
            ValueError: a link leads to no file.
        """

        def link(match: re.Match) -> str:
            code, picture, name, target = match.groups()
            if code or re.match(r"[a-z]+:", target):
                return match[0]
            name = CODE_OR_LINK.sub(link, name[1:-1]) if "](" in name else name[1:-1]
            return f"{picture}[{name}](<{self.target(target, origin, page)}>)"

        return CODE_OR_LINK.sub(link, text)

    def target(self, target: str, origin: str, page: str) -> str:
        """Where a relative link in the file `origin` leads to from `page`."""
        file, _, anchor = unquote(target).partition("#")
        path = (ROOT / origin).parent / file if file else ROOT / origin
        name = os.path.relpath(path.resolve(), ROOT).replace(os.sep, "/")
        if not path.exists():
            raise ValueError(f"{origin} links to {target}, expected a file of the repository; there is no {name}")
        anchor = slug(anchor)
        if name == "notebooks/glossary.ipynb" and anchor == slug(SHAPES):
            return relative("shapes.ipynb", page)
        if name in PAGES:
            return relative(PAGES[name], page) + (f"#{anchor}" if anchor else "")
        if path.suffix == ".png":
            return self.copy(path, f"figures/{path.name}", page)
        if self.address:
            return f"{self.address}/{'tree' if path.is_dir() else 'blob'}/HEAD/{name}"
        return "path:" + self.copy(path, f"files/{name}" + ".zip" * path.is_dir(), page)

    def copy(self, path: Path, name: str, page: str) -> str:
        copy = self.folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.make_archive(str(copy.with_suffix("")), "zip", path)
        else:
            shutil.copyfile(path, copy)
        return relative(name, page)

    def notebook(self, path: Path, cells: list[dict], page: str) -> None:
        """Write a notebook with its outputs: pictures and sounds as files, each once; progress bars left out."""
        origin = path.relative_to(ROOT).as_posix()
        for cell in cells:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                cell["source"] = self.with_terms(self.text(source, origin, page))
                continue
            cell["outputs"] = [output for output in cell["outputs"] if not is_progress_bar(output)]
            for output in cell["outputs"]:
                data = output.get("data", {})
                data.pop("application/vnd.jupyter.widget-view+json", None)
                if "text/html" in data:
                    data.pop("image/png", None)
                    data["text/html"] = self.with_files("".join(data["text/html"]), page)
                elif "text/markdown" in data:
                    data["text/markdown"] = self.text("".join(data["text/markdown"]), origin, page)
        metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        }
        self.page(page, json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))

    def with_files(self, text: str, page: str) -> str:
        """HTML with its data URLs written as files."""

        def source(match: re.Match) -> str:
            content = base64.b64decode(match[2])
            folder = self.folder / "outputs"
            folder.mkdir(parents=True, exist_ok=True)
            stem = Path(page).stem
            file = folder / f"{stem}-{len(list(folder.glob(f'{stem}-*'))) + 1}.{match[1]}"
            file.write_bytes(content)
            address = relative(f"outputs/{file.name}", page)
            if match[1] != "png":
                return f'src="{address}"'
            width, height = struct.unpack(">II", content[16:24])
            return f'src="{address}" width="{width}" height="{height}" loading="lazy"'

        caption = re.search(r"<small>(.+?)</small>", text, re.DOTALL)
        if caption:
            text = re.sub(r"<audio\s", f'<audio preload="metadata" aria-label="{caption[1]}" ', text)
        return DATA.sub(source, text)

    def with_figures(self, text: str, page: str) -> str:
        """Markdown whose comments, as `<!-- live: taps(kernel=3) -->`, are replaced by calls of lib.live: the still figure,
        in the place where the live one starts.
        """

        def place(match: re.Match) -> str:
            call = ast.parse(match[1], mode="eval").body
            make = getattr(import_module("lib.live"), call.func.id)
            figure = make(**{keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords})
            return self.with_files(figure.html, page)

        return LIVE.sub(place, text)

    def with_terms(self, text: str) -> str:
        """Markdown whose terms, marked ***so***, lead to the glossary."""

        def reference(match: re.Match) -> str:
            name = match[1].strip("`").lower()
            term = self.terms.get(name) or self.terms.get(name.removesuffix("s"))
            return f"{{term}}`{match[1].strip('`')} <{term}>`" if term else match[0]

        return re.sub(r"\*\*\*(.+?)\*\*\*", reference, text)

    def readme(self) -> None:
        """README's beginning and its lessons are the first page, its records a page; the rest is the page on running them."""
        text = (ROOT / "README.md").read_text(encoding="utf-8").replace(OWNED, self.owned or OWNED)
        head, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
        lessons, records = (
            sections.pop(next(i for i, section in enumerate(sections) if section.startswith(f"## {title}\n")))
            for title in ("The lessons", "Records")
        )
        index = (ROOT / "site" / "pages" / "index.md").read_text(encoding="utf-8")
        for name, part in {"head": head, "lessons": lessons}.items():
            index = index.replace(f"<!-- README: {name} -->", self.text(part, "README.md", "index.md"))
        index = index.replace("<!-- toctree: lessons -->", "\n".join(f"lessons/{path.stem}" for path in LESSONS))
        self.page("index.md", self.with_figures(index, "index.md"))
        self.page("records.md", self.text(records.removeprefix("#"), "README.md", "records.md"))
        title = "# On your own machine\n\n"
        self.page("run.md", title + self.text("".join(sections), "README.md", "run.md"))

    def glossary(self) -> None:
        """The glossary as a page of terms by letter, and the sheet of shapes as a page of its own."""
        path = ROOT / "notebooks" / "glossary.ipynb"
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        beginning = next(i for i, cell in enumerate(cells) if "".join(cell["source"]).startswith(f"## {SHAPES}"))
        sheet = cells[beginning:]
        sheet[0]["source"] = "".join(sheet[0]["source"]).removeprefix("#")
        for cell in sheet:
            if cell["cell_type"] == "code":
                cell["metadata"]["tags"] = ["hide-input"]
        self.notebook(path, sheet, "shapes.ipynb")
        lines, letter = ["# Glossary\n\nEach term with the lesson that introduces it.\n"], None
        for term, meaning in self.entries:
            first = term[0].upper() if term[0].isalpha() else "0–9"
            if first != letter:
                lines.append(f"## {first}\n")
            letter = first
            meaning = self.text(meaning, "notebooks/glossary.ipynb", "glossary.md")
            meaning = re.sub(r"^see (.+)\.$", lambda match: f"see {{term}}`{match[1]}`.", meaning)
            lines.append(f"```{{glossary}}\n{term}\n  {meaning}\n```\n")
        self.page("glossary.md", "\n".join(lines))


def wcag_table() -> str:
    """The verdicts of site/wcag.csv in Markdown; evidence that is a test leads to its file."""
    lines = ["| criterion | level | verdict | evidence | date |", "|---|---|---|---|---|"]
    with open(ROOT / "site" / "wcag.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            evidence = re.sub(r"(tests/\S+?\.py)::(\w+)", r"[\2](../../\1)", row["evidence"])
            cells = f"{row['criterion']} {row['name']}", row["level"], row["verdict"], evidence, row["date"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def is_progress_bar(output: dict) -> bool:
    """Whether the text of an output is that of a bar, which says nothing when it has ended."""
    return bool(re.match(r"\s*\d+%\|", "".join(output.get("data", {}).get("text/plain", ""))))
