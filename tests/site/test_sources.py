"""The sources that the site is made of; Sphinx is not needed."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
specification = importlib.util.spec_from_file_location("sources", ROOT / "site" / "sources.py")
sources = importlib.util.module_from_spec(specification)
specification.loader.exec_module(sources)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    pages = sources.Sources(tmp_path_factory.mktemp("site") / "sources")
    pages.write()
    return pages


def test_links_lead_to_pages_to_the_repository_or_to_copies(tmp_path):
    def target(link, address=None):
        return sources.Sources(tmp_path / "s", address).target(link, "notebooks/01_embedding.ipynb", "lessons/01.ipynb")

    assert target("05_sampling.ipynb#Why-dim=1%3F") == "05_sampling.ipynb#why-dim1"
    assert target("../data/README.md") == "../data.md"
    assert target("glossary.ipynb") == "../glossary.md"
    assert target("glossary.ipynb#The-sheet-of-shapes") == "../shapes.ipynb"
    assert target("assignments/teaching.md#01--embedding") == "../teacher/teaching.md#01--embedding"
    assert target("../LICENSE") == "path:../files/LICENSE" and (tmp_path / "s/files/LICENSE").exists()
    assert target("../data") == "path:../files/data.zip" and (tmp_path / "s/files/data.zip").exists()
    assert target("../LICENSE", "https://host/a") == "https://host/a/blob/HEAD/LICENSE"
    assert target("../data", "https://host/a") == "https://host/a/tree/HEAD/data"
    with pytest.raises(ValueError, match=r"there is no notebooks/gone\.ipynb"):
        target("gone.ipynb")


def test_links_in_code_stay():
    text = "`[a](gone.md)` [`b`](LICENSE) ![c](https://host/c.png)\n```\n[d](gone.md)\n```"
    pages = sources.Sources(Path("unused"), "https://host")
    assert pages.text(text, "README.md", "run.md") == text.replace("(LICENSE)", "(<https://host/blob/HEAD/LICENSE>)")


def test_the_address_is_the_variables_or_the_projects(monkeypatch):
    monkeypatch.setenv("SITE_REPOSITORY", "https://host/owner/name/")
    assert sources.repository() == "https://host/owner/name"
    monkeypatch.delenv("SITE_REPOSITORY")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert bool(sources.repository()) == ("[project.urls]" in project)


@pytest.mark.parametrize(
    ("address", "owned"),
    [
        ("https://github.com/ada/wave.net", "ada/wave.net"),
        ("https://github.com/ada/wave.git", "ada/wave"),
        ("https://host/ada/wave", None),
        (None, None),
    ],
)
def test_lessons_lead_to_binder_and_colab_where_the_repository_is_on_github(address, owned, tmp_path):
    pages = sources.Sources(tmp_path / "sources", address)
    pages.with_figures = lambda text, page: text  # drawing takes longest
    pages.write()
    for path in sources.LESSONS:
        cells = json.loads((pages.folder / "lessons" / path.name).read_text(encoding="utf-8"))["cells"]
        links = re.findall(r"\]\(<?(https://[^)>]*/HEAD[/?][^)>]+)", "".join(cells[0]["source"]))
        name = f"notebooks/{path.name}"
        assert links == owned_links(owned, name) and (ROOT / name).exists()
        assert (f"(<../run.md#{sources.ELSEWHERE}>)" in "".join(cells[0]["source"])) == bool(owned)
    run = (pages.folder / "run.md").read_text(encoding="utf-8")
    assert f"%pip install -q git+https://github.com/{owned or sources.OWNED}\n" in run
    assert f"## {sources.ELSEWHERE.replace('-', ' ').capitalize()}\n" in run


def owned_links(owned, name):
    binder, colab = "https://mybinder.org/v2/gh", "https://colab.research.google.com/github"
    return [f"{binder}/{owned}/HEAD?labpath={name}", f"{colab}/{owned}/blob/HEAD/{name}"] if owned else []


def test_each_picture_and_sound_is_one_file(written):
    for path in sources.LESSONS:
        page = json.loads((written.folder / "lessons" / path.name).read_text(encoding="utf-8"))
        outputs = [output["data"] for cell in page["cells"] for output in cell.get("outputs", []) if "data" in output]
        assert not any("text/html" in data and "image/png" in data for data in outputs)
        assert "base64" not in json.dumps(page)
        files = re.findall(r'src=\\"\.\./(outputs/[^"\\]+)', json.dumps(page))
        kept = {
            re.sub(r"\s", "", data)
            for data in re.findall(r"data:(?:image|audio)/\w+;base64,([^\"\\]+)", path.read_text("utf-8"))
        }
        assert len(files) == len(set(files)) >= len(kept) > 0
        assert all((written.folder / file).stat().st_size for file in files)


def test_a_finished_progress_bar_is_left_out():
    bar = {"output_type": "display_data", "data": {"text/plain": ["  0%|          | 0/120 [00:00<?, ?step/s]"]}}
    assert sources.is_progress_bar(bar)
    assert not sources.is_progress_bar({"output_type": "stream", "text": "100 % of 120"})


def test_every_term_has_an_entry_and_lessons_link_to_it(written):
    glossary = (written.folder / "glossary.md").read_text(encoding="utf-8")
    assert glossary.count("```{glossary}") == len(written.entries) > 100
    linked = set()
    for path in sources.LESSONS:
        text = (written.folder / "lessons" / path.name).read_text(encoding="utf-8")
        assert not (left := re.findall(r"\*\*\*\w.*?\*\*\*", text)), f"{path.name}: no glossary entry for {left}"
        linked |= set(re.findall(r"\{term\}`[^`]*? <(.+?)>`", text))
    assert len(linked) > 80


def test_the_first_page_is_made_from_readme(written):
    index = (written.folder / "index.md").read_text(encoding="utf-8")
    names = re.search(r"<!-- names -->\n(.+)\n", (ROOT / "README.md").read_text(encoding="utf-8"))[1]
    assert names in index and names.count(",") == 11
    assert all(f"(<lessons/{path.name}>)" in index for path in sources.LESSONS)
    assert "figures/ladder.png" in index and 'data-figure="net"' in index and "README:" not in index
