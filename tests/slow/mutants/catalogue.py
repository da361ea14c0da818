"""The mutants: every mistake of the wrong_*.py beside this file, as a module of lib with that mistake in it."""

import importlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# What can be mutated, core first; the file's stem is the module's name.
MODULES = {path.stem: path for folder in ("lib", "lib/wavenet") for path in sorted((ROOT / folder).glob("[!_]*.py"))}
# Modules that share their tests.
TRAINED = ("recipes", "batches", "training", "checkpoints")
TRAINING = ("test_training.py", "test_checkpoints.py", "wavenet/test_sequences.py")
WRONG = sorted(path.stem.removeprefix("wrong_") for path in Path(__file__).parent.glob("wrong_*.py"))


@dataclass(frozen=True)
class Mutant:
    """One module of lib with one mistake in it.

    Args:
        subject: which wrong_*.py has it.
        target: the function, class or feature that is wrong.
        mistake: what is wrong with it.
        old, new: the text that the mistake replaces, and its replacement.
    """

    subject: str
    target: str
    mistake: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.target}: {self.mistake}"

    def path(self) -> Path:
        """The module with the text to replace: that of the subject's name, or the only other one that has it once.

        Raises:
            ValueError: no module, or more than one, has the text exactly once.
        """
        once = [path for path in MODULES.values() if path.read_text(encoding="utf-8").count(self.old) == 1]
        own = [path for path in once if path == MODULES.get(self.subject)]
        if len(own or once) != 1:
            raise ValueError(
                f"{self}: expected one module of lib with the text to replace exactly once, got {len(once)}: "
                f"{self.old!r}. Update tests/slow/mutants/wrong_{self.subject}.py."
            )
        return (own or once)[0]

    def source(self) -> str:
        """The module's text with the mistake in it.

        Raises:
            ValueError: the text to replace is not there exactly once.
            SyntaxError: the result is no Python.
        """
        source = self.path().read_text(encoding="utf-8").replace(self.old, self.new)
        compile(source, str(self), "exec")
        return source


def module_name(path: Path) -> str:
    """lib/wavenet/net.py is lib.wavenet.net."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def tests_of(path: Path) -> tuple[Path, ...]:
    """The tests that must reject a mutant of this module: its own, all of its package's, or those of the training."""
    if path.parent.name != "lib":
        return (ROOT / "tests" / path.parent.name,)
    names = TRAINING if path.stem in TRAINED else (f"test_{path.stem}.py",)
    return tuple(ROOT / "tests" / name for name in names if (ROOT / "tests" / name).exists())


def mutants(subject: str) -> list[Mutant]:
    """All mutants of one wrong_*.py."""
    wrong = importlib.import_module(f"tests.slow.mutants.wrong_{subject}").WRONG
    return [
        Mutant(subject, target, mistake, old, new)
        for target, mistakes in wrong.items()
        for mistake, (old, new) in mistakes.items()
    ]
