"""The mutants: every mistake of the wrong_*.py beside this file, as a text of lib with that mistake in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.slow.mutants import (
    wrong_batches,
    wrong_convolution,
    wrong_data,
    wrong_generation,
    wrong_layers,
    wrong_recipes,
    wrong_sampling,
    wrong_sequences,
    wrong_sound,
    wrong_training,
    wrong_wavenet,
)

ROOT = Path(__file__).resolve().parents[3]
WRONG = {
    "data": wrong_data.WRONG,
    "layers": wrong_layers.WRONG,
    "recipes": wrong_recipes.WRONG,
    "batches": wrong_batches.WRONG,
    "training": wrong_training.WRONG,
    "sampling": wrong_sampling.WRONG,
    "convolution": wrong_convolution.WRONG,
    "sequences": wrong_sequences.WRONG,
    "generation": wrong_generation.WRONG,
    "wavenet": wrong_wavenet.WRONG,
    "sound": wrong_sound.WRONG,
}
# The others have a file of their own name.
LAWS = dict.fromkeys(("recipes", "batches"), "test_training.py")
LAWS |= dict.fromkeys(("convolution", "sequences", "generation"), "test_wavenet.py")


@dataclass(frozen=True)
class Mutant:
    """One module of lib with one mistake in it.

    Args:
        module: its name in lib.
        target: the function or class that is wrong.
        mistake: what is wrong with it.
        old, new: the text that the mistake replaces, which the module has exactly once, and the text put in its place.
    """

    module: str
    target: str
    mistake: str
    old: str
    new: str

    def source(self) -> str:
        """The module's text with the mistake in it.

        Raises:
            ValueError: the text to replace is not there exactly once, or what comes out is no Python.
        """
        text, what = text_of(self.module), f"{self.target}, {self.mistake!r}"
        if text.count(self.old) != 1:
            raise ValueError(
                f"{what}: lib/{self.module}.py holds the text to replace {text.count(self.old)} times, not once: "
                f"{self.old!r}. Write it anew in tests/mutants/wrong_{self.module}.py."
            )
        text = text.replace(self.old, self.new)
        try:
            compile(text, self.module, "exec")
        except SyntaxError as error:
            raise ValueError(
                f"{what} is no Python: {error}. Mend it in tests/mutants/wrong_{self.module}.py."
            ) from error
        return text


def laws_of(module: str) -> Path:
    """The test file that must reject a mutant of this module of lib."""
    return ROOT / "tests" / LAWS.get(module, f"test_{module}.py")


def text_of(module: str) -> str:
    """A module of lib as it is."""
    return (ROOT / "lib" / f"{module}.py").read_text(encoding="utf-8")


def mutants() -> Iterator[Mutant]:
    """All mutants, in the catalogue's order."""
    for module, targets in WRONG.items():
        for target, mistakes in targets.items():
            for mistake, (old, new) in mistakes.items():
                yield Mutant(module, target, mistake, old, new)
