"""README keeps its word: its commands can be read by machines, its links lead somewhere, and no file names a machine of ours."""

import importlib.util
import re
import subprocess
import urllib.parse
from pathlib import Path

import nbformat
import pytest

from lib.data import load_names
from lib.evidence.sweeps import missing_rows, read_rows
from lib.recipes import FAST, LECTURE, LONG, QUICK

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = {"linux-cpu": "sh", "open": "sh", "open-windows": "bat", "test": "sh", "test-windows": "bat"}


def command(name, text=README):
    """The one line below `<!-- command: name -->`, in a block of its own."""
    found = re.findall(rf"^<!-- command: {name} -->\n```{COMMANDS[name]}\n(.+)\n```$", text, re.MULTILINE)
    assert len(found) == 1, f"README needs one block of one line below its marker 'command: {name}'; found {len(found)}"
    return found[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_are_single_lines_that_check_python_first(name):
    python = "py -3" if COMMANDS[name] == "bat" else "python3"
    first, second, *_ = command(name).split(" && ")
    assert first.startswith(f'{python} -c "import sys; sys.exit(') and "(3, 11)" in first
    assert second == f"{python} -m venv .venv"


@pytest.mark.parametrize("name", ["open", "test"])
def test_windows_forms_do_the_same(name):
    windows = (
        command(f"{name}-windows")
        .replace("py -3", "python3")
        .replace(".venv\\Scripts\\", ".venv/bin/")
        .replace("\\", "/")
    )
    assert windows == command(name)


def test_the_processor_build_is_the_version_that_is_required():
    required = re.search(r"^torch==\S+$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert required and f" {required[0]} " in command("linux-cpu")


def test_ci_reads_the_command_from_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "/^<!-- command: test -->$/{n;n;p;}" in script
    assert not re.search(r"-m pytest|requirements\.txt", script), "a copy of README's command would drift from it"


def test_the_map_has_every_lesson():
    table = README.split("<!-- lessons -->")[1].split("<!-- /lessons -->")[0]
    linked = re.findall(r"^\| \[.+?\]\(notebooks/(.+?)\)", table, re.MULTILINE)
    assert linked == [path.name for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]
    assert len(re.findall(r"^\| (?:\[?)0\d · ", table, re.MULTILINE)) == 9


def test_results_name_their_command():
    before, results = README.split("<!-- results -->")
    assert "`python data/make_results.py`" in before.rsplit("\n## ", 1)[1]
    assert "<!-- /results -->" in results


def test_the_picture_is_there_and_described():
    found = re.search(r"!\[([^\]]{40,})\]\(notebooks/figures/ladder\.png\)", README)
    assert found and (ROOT / "notebooks" / "figures" / "ladder.png").read_bytes().startswith(b"\x89PNG")


def test_the_recipes_are_as_long_as_said():
    words = " ".join(README.split())
    lecture, quick = (f"{recipe.steps:,} steps of {recipe.batch_size}" for recipe in (LECTURE, QUICK))
    assert f"{lecture} windows as in the lecture, {quick}, {FAST.epochs} and {LONG.epochs} passes over the" in words
    assert f"`FAST` makes {FAST.epochs} passes over the list" in words
    assert FAST.steps is LONG.steps is LECTURE.epochs is QUICK.epochs is None


def test_own_words(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_words.txt").write_text("\n".join(load_names()[:300]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.+?)```", README, re.DOTALL)[1], {})
    assert re.search(r"\['.*'\]", capsys.readouterr().out)


def files():
    """What is in the repository or would be added to it; in an unpacked archive, everything outside hidden folders."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    paths = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]
    return [ROOT / path for path in paths if not re.search(r"(^|/)\.(?!ci/|github/)", path.as_posix())]


def readable():
    """Every file with links for people."""
    notebooks = [path for path in files() if path.suffix == ".ipynb"]
    return sorted([*ROOT.glob("*.md"), *(ROOT / "data").glob("*.md"), *notebooks])


def prose(path):
    """The text of a Markdown file, or of a notebook's Markdown cells."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def broken_links(path, text):
    """Relative links in the text that lead nowhere, seen from the file's folder."""
    targets = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"(?:href|src)=\"([^\"]+)\"", text)
    targets = [urllib.parse.unquote(target.split("#")[0]) for target in targets if not re.match(r"[a-z]+:", target)]
    return [target for target in targets if target and not (path.parent / target).exists()]


@pytest.mark.parametrize("path", readable(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    assert broken_links(path, prose(path)) == []


def test_a_broken_link_is_seen():
    text = "[a](README.md) [b](gone.md#part) [c](#here) [d](https://example.org/x) ![e](gone.png)"
    assert broken_links(ROOT / "README.md", text) == ["gone.md", "gone.png"]


# In pieces, so that this file does not name them itself. The look-behind passes over addresses and pictures in base64.
HOSTS = "|".join("py" + end for end in (r"pi\.org", r"thonhosted\.org")) + r"|registry\.np" + r"mjs|ana" + r"conda\.org"
MACHINE = rf"{HOSTS}|(?<![\w.+/])/(?:home|Users|root|work|opt|tmp)/[\w.-]|[A-Z]:\\\\?Users\\"


def test_no_file_names_a_registry_or_a_machine():
    named = {}
    for path in files():
        # latin-1 reads any byte, so that weights and pictures are looked through as well.
        found = re.search(MACHINE, path.read_text(encoding="latin-1"))
        if found:
            named[path.relative_to(ROOT).as_posix()] = found[0]
    assert named == {}
    assert ROOT / "README.md" in files()


@pytest.mark.parametrize(
    "text", ["see " + "pypi" + ".org/x", "at " + "/home" + "/me", '"/tmp' + '/x"', "C:" + "\\Users\\me"]
)
def test_a_named_machine_is_seen(text):
    assert re.search(MACHINE, text)
    assert not re.search(MACHINE, "https://example.org/home/x and data:image/png;base64,ab/tmp/xy and ./work/x")


def test_the_results_table_is_what_the_evidence_says():
    spec = importlib.util.spec_from_file_location("make_results", ROOT / "data" / "make_results.py")
    make_results = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_results)
    planned, found = make_results.planned(), read_rows(make_results.EVIDENCE)
    assert not missing_rows(make_results.EVIDENCE, planned, make_results.SETTINGS) and len(planned) == len(found), (
        "rows are missing: python data/make_results.py"
    )
    assert make_results.with_table(README) == README, "python data/make_results.py --table writes the table anew"
