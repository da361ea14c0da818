"""README's commands, map, names and numbers are what the repository does; start.py sets up what README says."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest
import torch

import start
from lib.data import load_names
from lib.evidence.sweeps import missing_rows
from lib.models import trained_model
from lib.recipes import FAST, LECTURE, LONG, QUICK
from lib.sampling import sample_names
from tests.links import broken_links

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "data/README.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
]


def command(name: str) -> str:
    """The one line below `<!-- command: name -->`, in a block of its own."""
    blocks = re.findall(rf"^<!-- command: {name} -->\n```(?:sh|bat)\n(.+)\n```$", README, re.MULTILINE)
    assert len(blocks) == 1, f"expected one block of one line below the marker 'command: {name}', got {len(blocks)}"
    return blocks[0]


def test_commands_are_short_and_windows_does_the_same():
    assert (command("open"), command("test")) == ("python3 start.py", "python3 start.py test")
    for name in ("open", "test"):
        assert command(f"{name}-windows") == command(name).replace("python3", "py")
    code_lines = [line for block in re.findall(r"```\w*\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
    assert max(map(len, code_lines)) <= 100


def test_ci_runs_the_test_command_of_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "/^<!-- command: test -->$/{n;n;p;}" in script
    assert "start.py" not in script, "a copy of README's command would drift from it"


@pytest.mark.parametrize(
    ("version", "system", "machine", "message"),
    [
        ((3, 10, 4), "Linux", "x86_64", "Python 3.11 or newer is needed; this is Python 3.10"),
        ((3, 12, 0), "Darwin", "x86_64", "no build for macOS on Intel"),
        ((3, 12, 0), "Windows", "ARM64", "no build for Windows on ARM"),
    ],
)
def test_start_exits_with_a_reason_where_the_course_cannot_run(version, system, machine, message):
    with pytest.raises(SystemExit, match=message):
        start.check_python(version, system, machine)
    start.check_python((3, 11, 0), "Darwin", "arm64")


def test_start_rejects_an_unknown_word_before_it_installs(monkeypatch):
    monkeypatch.setattr(start, "install", lambda: pytest.fail("installed"))
    with pytest.raises(SystemExit, match="'tset'"):
        start.main(["tset"])


@pytest.mark.parametrize(
    ("system", "reached", "torch_builds"), [("Linux", True, 1), ("Linux", False, 1), ("Darwin", True, 0)]
)
def test_start_installs_once_and_takes_the_cpu_build_on_linux(
    system, reached, torch_builds, tmp_path, monkeypatch, capsys
):
    calls = []
    monkeypatch.setattr(start, "VENV", str(tmp_path))
    monkeypatch.setattr(start, "PYTHON", str(tmp_path / "python"))
    monkeypatch.setattr(start, "STAMP", str(tmp_path / "installed"))
    monkeypatch.setattr(start.platform, "system", lambda: system)
    monkeypatch.setattr(start, "run", lambda words: (tmp_path / "python").touch() or 0)
    monkeypatch.setattr(start, "pip", lambda *words: calls.append(words) or (start.CPU_INDEX in words and not reached))
    start.install()
    assert [words[0] for words in calls] == ["torch==2.13.0"] * torch_builds + ["-r"]
    assert ("not reached" in capsys.readouterr().out) == (not reached)
    start.install()
    assert len(calls) == torch_builds + 1, "a second run installed again"


def test_a_failed_installation_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "VENV", str(tmp_path))
    monkeypatch.setattr(start, "STAMP", str(tmp_path / "installed"))
    monkeypatch.setattr(start, "run", lambda words: 0)
    monkeypatch.setattr(start, "pip", lambda *words: 1)
    with pytest.raises(SystemExit, match="pip's message is above"):
        start.install()
    assert not (tmp_path / "installed").exists()


def test_the_names_are_what_the_network_writes():
    model, vocabulary = trained_model()
    known = set(load_names())
    names = sample_names(model, vocabulary, 40, generator=torch.Generator().manual_seed(42))
    line = "> " + ", ".join([name for name in names if name not in known][:12])
    assert README.split("<!-- names -->\n")[1].split("\n<!-- /names -->")[0] == line


def test_the_results_table_is_what_the_evidence_says():
    spec = importlib.util.spec_from_file_location("make_results", ROOT / "data" / "make_results.py")
    make_results = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_results)
    missing = missing_rows(make_results.EVIDENCE, make_results.planned(), make_results.SETTINGS)
    assert not missing, "rows are missing: python data/make_results.py"
    assert make_results.with_table(README) == README, "python data/make_results.py --table writes the table"


def test_no_file_names_a_registry_or_a_machine():
    hosts = "|".join(a + b for a, b in (("py", r"pi\.org"), ("registry", r"\.npmjs"), ("files.python", "hosted")))
    private = rf"{hosts}|(?<![\w.+/])/(?:home|Users|root|work|opt)/[\w.-]|[A-Z]:\\\\?Users\\"
    listing = subprocess.run(
        ["git", "ls-files", "*.py", "*.md", "*.yml", "*.toml", "*.txt", "*.html", "*.ipynb", ".ci"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    named = {name: found[0] for name in listing if (found := re.search(private, (ROOT / name).read_text("utf-8")))}
    assert named == {} and re.search(private, "see " + "/home" + "/me")


def test_the_map_has_every_lesson():
    table = README.split("<!-- lessons -->")[1].split("<!-- /lessons -->")[0]
    linked = re.findall(r"^\| \[\d\d · .+?\]\(notebooks/(.+?)\)", table, re.MULTILINE)
    assert linked == [path.name for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]


def test_the_tree_of_folders_is_that_of_the_repository():
    tree = README.split("## What is where")[1].split("```")[1]
    shown, parent = set(), ""
    for indent, name in re.findall(r"^( *)([\w./]+)  ", tree, re.MULTILINE):
        parent = parent if indent else name
        shown.add(parent + name if indent else name)
    assert [name for name in shown if not (ROOT / name).exists()] == []
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    top = {re.match(r"[^/]+/?", name)[0] for name in tracked if not name.startswith(".")}
    assert top - {"README.md", "LICENSE", "CHANGELOG.md"} <= shown


def test_the_recipes_are_as_long_as_said():
    words = " ".join(README.split())
    assert (
        f"{LECTURE.steps:,} steps of {LECTURE.batch_size} windows; QUICK is {QUICK.steps} steps of {QUICK.batch_size};"
        in words
    )
    assert f"FAST and LONG are {FAST.epochs} and {LONG.epochs} passes over the list" in words
    assert f"`FAST` makes {FAST.epochs} passes over the list" in words


def test_own_words(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_words.txt").write_text("\n".join(load_names()[:300]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.+?)```", README, re.DOTALL)[1], {})
    assert re.search(r"\['.*'\]", capsys.readouterr().out)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    assert broken_links(path) == []


def test_a_broken_link_is_reported():
    text = "[a](README.md) [b](gone.md#part) [c](#what-is-where) [d](https://example.org/x) ![e](gone.png) [f](#gone)"
    assert broken_links(ROOT / "README.md", text) == ["gone.md#part", "gone.png", "#gone"]
