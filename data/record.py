"""The record table: the lowest loss on names not seen, and the shortest time, of at most 76,579 parameters.

    python data/record.py run NAME [--seed S]       trains one recipe of data/records, prints its loss and its seconds
    python data/record.py check SCRIPT              trains a contestant's script with three seeds, prints its row
    python data/record.py measure [NAME ...]        fills data/evidence/records.csv, then writes README's table
    python data/record.py table                     writes README's table only

A script defines `train(names, seed)`, which returns a net that `lib.checkpoints.save_model` can save, and TRACK, STEPS and
TEACHERS; the first line of its docstring says what it does. It trains in a process of its own, on one thread, and gets the
training names alone: reading names or weights of this project, any file that is not Python's, starting a process or calling
the network ends it. That guards against mistakes; whoever wants to cheat can, so read a script before you believe its row.
The seconds are those of `train`; what is imported before it is not counted. The loss on validation names is measured
afterwards, here. `measure` needs an idle machine and about 20 minutes; it resumes where it was stopped, and --again measures
the given recipes anew.
"""

import argparse
import ast
import datetime
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from lib.checkpoints import load_model, save_model
from lib.data import DATA, Vocabulary, load_names, make_windows, split_names
from lib.evidence.sweeps import Row, read_rows, write_rows
from lib.training import evaluate

ROOT = Path(__file__).resolve().parents[1]
RECORDS, README, EVIDENCE = ROOT / "data" / "records", ROOT / "README.md", DATA / "evidence" / "records.csv"
WEIGHTS = DATA / "staged_record.pt"
MOST = 76_579  # parameters
SETTINGS = ["track", "recipe", "list", "seed"]
MEASURED = ["val", "test", "cpu_seconds", "wall_seconds", "steps", "params", "teachers", "machine", "date", "command"]
LISTS = {"once": "each name once", "twice": "names of girls and boys twice"}
# recipe, list, seeds; those of a track beside each other, the record last
PLAN = [
    ("quick", "once", 5),
    ("speed", "once", 5),
    ("ten_seconds", "once", 5),
    ("three_teachers", "once", 3),
    ("long", "once", 3),
    ("five_teachers", "once", 3),
    ("ten_seconds", "twice", 5),
    ("five_teachers", "twice", 3),
]
SHIPPED = ("five_teachers", "once", 0)  # recipe, list and seed of data/staged_record.pt, whose test loss is read


class Refused(Exception):
    """A script broke a rule; the message is a sentence."""


def names_of(which: str) -> list[str]:
    """The project's list, or the one like the lecture's."""
    if which == "once":
        return load_names()
    from make_results import names_twice

    return names_twice()


def facts_of(script: Path) -> dict:
    """Track, steps, teachers and what it does, from a script's text.

    Raises:
        Refused: it lacks one of them, or `train`.
    """
    if not script.is_file():
        names = ", ".join(sorted({recipe for recipe, *_ in PLAN}))
        raise Refused(f"expected a script, got no file at {str(script)!r}. The recipes of data/records are {names}.")
    try:
        tree = ast.parse(script.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise Refused(f"{script.name} is no Python: {error}.") from None
    named = {getattr(node, "name", None) for node in tree.body}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            named |= {part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    if missing := [name for name in ("train", "TRACK", "STEPS", "TEACHERS") if name not in named]:
        raise Refused(f"{script.name} lacks {' and '.join(missing)}. data/records/ten_seconds.py is an example.")
    return {"what": (ast.get_docstring(tree) or "").split("\n")[0].removesuffix(".")}


def trained(script: Path, names: list[str], seed: int) -> tuple[nn.Module, dict]:
    """The net that a script trains on these names in a process of its own, and its facts.

    Raises:
        Refused: the script fails or breaks a rule, or its net has too many parameters.
    """
    with tempfile.TemporaryDirectory(prefix="record-") as folder:
        (Path(folder) / "names.txt").write_text("\n".join(names), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), "_train", str(script.resolve()), str(seed)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TMPDIR": folder},
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            raise Refused(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it ended without a word.")
        model, _ = load_model(Path(folder) / "net.pt")
        facts = json.loads((Path(folder) / "facts.json").read_text())
    facts["params"] = sum(p.numel() for p in model.parameters())
    if facts["params"] > MOST:
        raise Refused(f"{script.name}'s net has {facts['params']:,} parameters; a record has at most {MOST:,}.")
    return model, facts


def train_here(script: Path, seed: int) -> None:
    """In the process of its own: read the names, close the doors, train, and write the net to the current folder."""
    torch.set_num_threads(1)
    importlib.import_module("torch._dynamo")  # else the first optimizer imports it, while the clock runs
    names = Path("names.txt").read_text(encoding="utf-8").split("\n")
    sys.path[:0] = [str(script.parent), str(RECORDS)]
    guard(script)
    space = {"__name__": script.stem, "__file__": str(script)}
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), space)
    wall, cpu = time.perf_counter(), time.process_time()
    model = space["train"](names, seed)
    facts = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.perf_counter() - wall}
    facts |= {"track": space["TRACK"], "steps": space["STEPS"], "teachers": space["TEACHERS"]}
    save_model("net.pt", model, Vocabulary(names))
    Path("facts.json").write_text(json.dumps(facts))


def guard(script: Path) -> None:
    """From now on, end this process when it opens a file that a contestant has no use for, or does more than compute."""
    here = os.path.realpath(".")
    allowed = [
        here,
        *(os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev", "/usr")),
    ]
    forbidden = os.path.realpath(DATA)
    doors = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn", "socket.connect")

    def refuse(did: str) -> None:
        os.write(
            2, f"{script.name} {did} while it trained: it gets the training names, and may only compute.\n".encode()
        )
        os._exit(3)

    def hook(event: str, arguments: tuple) -> None:
        if event in doors:
            refuse(f"started a process or a connection ({event})")
        if event == "open" and isinstance(arguments[0], str | bytes):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            inside = lambda folder: path.startswith(folder + os.sep)
            if path.endswith((".py", ".pyc", ".so")) or path == here:
                return
            if inside(forbidden) or not any(map(inside, allowed)):
                refuse(f"opened {os.path.basename(path)}")

    sys.addaudithook(hook)


def machine() -> str:
    """The processor and torch's version."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, one thread, torch {torch.__version__}"


def measured(row: Row, script: Path, keep: bool = False) -> Row:
    """The complete row of one training; `keep` writes the weights that are shipped, and reads their test loss."""
    facts_of(script)
    train, val, test = split_names(names_of(row["list"]))
    model, facts = trained(script, train, row["seed"])
    vocabulary = Vocabulary(train)
    loss = lambda part: round(evaluate(model, make_windows(part, vocabulary, model.context)), 6)
    facts |= {"val": loss(val), "test": loss(test) if keep else "", "machine": machine()}
    facts |= {name: round(facts[name], 2) for name in ("cpu_seconds", "wall_seconds")}
    command = f"python data/record.py run {row['recipe']}" + " --list twice" * (row["list"] == "twice")
    facts |= {"date": datetime.date.today().isoformat(), "command": command}
    if keep:
        save_model(WEIGHTS, model, vocabulary, val=facts["val"], test=facts["test"], seed=row["seed"])
    return {name: facts[name] if name in facts else row[name] for name in SETTINGS + MEASURED}


def measure(recipes: list[str], seeds: int | None, again: bool) -> None:
    """Fill the rows of the plan that the file lacks, one after the other."""
    if unknown := set(recipes) - {recipe for recipe, *_ in PLAN}:
        raise Refused(f"expected recipes of the plan, got {', '.join(sorted(unknown))}.")
    key = lambda row: (row["recipe"], row["list"], int(row["seed"]))
    plan = [(recipe, which, seed) for recipe, which, most in PLAN for seed in range(min(most, seeds or most))]
    plan = [place for place in plan if not recipes or place[0] in recipes]
    order = [(recipe, which, seed) for recipe, which, most in PLAN for seed in range(most)]
    rows = {key(row): row for row in read_rows(EVIDENCE)}
    for place in plan:
        if place not in rows or again:
            recipe, which, seed = place
            row = measured({"recipe": recipe, "list": which, "seed": seed}, RECORDS / f"{recipe}.py", place == SHIPPED)
            rows[place] = row
            write_rows(EVIDENCE, SETTINGS + MEASURED, [rows[each] for each in order if each in rows])
            print(f"{recipe}, {LISTS[which]}, seed {seed}: {row['val']:.4f}, {row['wall_seconds']:.1f} s", flush=True)


def spread(values: list[float], digits: int) -> str:
    """Mean and, of more than one, standard deviation."""
    mean = sum(values) / len(values)
    sd = (sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)) ** 0.5
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if len(values) > 1 else "")


def cells(rows: list[Row], script: Path) -> list[str]:
    """One line of the table: of all seeds of a recipe."""
    numbers = lambda name: [float(row[name]) for row in rows]
    teachers = int(rows[0]["teachers"])
    what = facts_of(script)["what"] + (f". {teachers} extra nets, trained in these seconds" if teachers else "")
    test = next((f"{float(row['test']):.3f}" for row in rows if row["test"]), "")
    what += "" if rows[0]["list"] == "once" else f" ({LISTS[rows[0]['list']]})"
    return [
        rows[0]["track"],
        spread(numbers("val"), 4),
        test,
        str(len(rows)),
        spread(numbers("wall_seconds"), 1),
        f"{int(rows[0]['params']):,}",
        what,
        max(row["date"] for row in rows),
        f"`{rows[0]['command']}`",
    ]


HEAD = "| track | validation | test | seeds | seconds | parameters | how | date | again |\n|---|--:|--:|--:|--:|--:|---|---|---|"


def table() -> str:
    """The table of data/evidence/records.csv, and the machine."""
    lines, rows = [HEAD], read_rows(EVIDENCE)
    for recipe, which, _ in PLAN:
        if some := [row for row in rows if (row["recipe"], row["list"]) == (recipe, which)]:
            lines.append(f"| {' | '.join(cells(some, RECORDS / f'{recipe}.py'))} |")
    machines = "; ".join(sorted({row["machine"] for row in rows})) or "no machine yet"
    return "\n".join([*lines, "", f"Measured on {machines}."])


def with_table(readme: str) -> str:
    """README's text with the table between its markers."""
    before, rest = readme.split("<!-- records -->")
    return f"{before}<!-- records -->\n{table()}\n<!-- /records -->{rest.split('<!-- /records -->')[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="run, check, measure or table")
    run = commands.add_parser("run", help="train one recipe")
    run.add_argument("name")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--list", choices=LISTS, default="once")
    commands.add_parser("check", help="train a contestant's script").add_argument("script", type=Path)
    measuring = commands.add_parser("measure", help="fill the table's rows")
    measuring.add_argument("name", nargs="*")
    measuring.add_argument("--seeds", type=int, help="at most this many of each")
    measuring.add_argument("--again", action="store_true", help="measure rows anew that are there")
    commands.add_parser("table", help="write README's table")
    inner = commands.add_parser("_train")
    inner.add_argument("script", type=Path)
    inner.add_argument("seed", type=int)
    given = parser.parse_args()
    torch.set_num_threads(1)
    try:
        if given.command == "_train":
            train_here(given.script, given.seed)
        elif given.command == "run":
            row = {"recipe": given.name, "list": given.list, "seed": given.seed}
            row = measured(row, RECORDS / f"{given.name}.py")
            print("\n".join(f"{name}: {value}" for name, value in row.items() if value != ""))
        elif given.command == "check":
            blank = {"recipe": given.script.stem, "list": "once"}
            rows = [measured(blank | {"seed": seed}, given.script) for seed in range(3)]
            print(f"{HEAD}\n| {' | '.join(cells(rows, given.script))} |")
        else:
            if given.command == "measure":
                measure(given.name, given.seeds, given.again)
            README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
            print(table())
    except Refused as refusal:
        sys.exit(f"Refused: {refusal}")


if __name__ == "__main__":
    main()
