"""The claims of lesson 06, preregistered: what each predicts, which statistic tests it, and the rule for its verdict.

The table and the rule were written down before the runs; the texts of the table are unchanged. A run trains one net with
recipe FAST (four passes, AdamW, batch 512) and measures it. The arms of one comparison have the same number of parameters
(within 1.4 %: 22,097, the lecture's flat net, or 76,579, its staged net) and of steps; batches of 32 have one pass. Each arm
has ten seeds; seed s initializes the weights and shuffles the windows, and names are split by 42 + s, so that arms are paired
by seed and split. The learning rate of each arm is the one of five that was best on seeds 100 and 101 (for 76,579 parameters:
of three, on seed 100), which are used for nothing else. Losses are in nats per character, on the validation names.

Verdicts: the whole 95 % interval of the mean paired difference (10,000 bootstrap samples of the seeds) is on the predicted
side: **supported**; on the other: **refuted**; otherwise **not separable** from noise. A claim of several parts is judged part
by part. Claims 3, 4a and 7b have no pairs of seeds: their numbers are reported without a verdict. A net that never reaches 2.2
counts as reaching it at its last step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from lib.evidence.experiments import LARGE, RANGE, RANGE_ARMS, RUNS, SMALL, TUNING_SEEDS
from lib.evidence.statistics import Claim

NATS, ACCURACY, STEPS = "nats per character", "accuracy", "steps to 2.2"

PREREGISTERED = """\
| claim | prediction if it holds | statistic |
|---|---|---|
| 1a hierarchical features | what usually follows a quad (a pair) can be read off stage 2 (stage 1) better after training than before | probe accuracy for unseen quads (pairs), trained minus untrained |
| 1b one level a stage | a quad's can be read off stage 2 better than off the two outputs of stage 1 below it | probe accuracy, stage 2 minus stage 1, trained |
| 1c rare combinations | staging gains more where the last four letters are rare in training | val loss, (flat - staged) where they were seen 1 to 9 times minus where seen 100 times or more |
| 2a staging | staged below flat | val loss, flat minus staged, at each size; and with 16 passes (this part was added when the learning rates had been seen) |
| 2b processing | each part put between the bare stages lowers the loss | val loss, nothing between minus that part |
| 3 flexibility | (a statement about design: the spread of 2-2-2, 4-2, 2-4, 8 and of unshared weights, no verdict) | val loss, each minus 2-2-2 |
| 4a flattening at once loses order | 8 letters can be put back together from three bare stages, but not from one flatten | identity |
| 4b stages preserve | the letters can be read off the last stage as well as off the first | probe accuracy of the letters, stage 3 minus stage 1, and by width of the first |
| 5a depth and gradients | more stages pass the gradient to the embedding better | gradient gain at init, three stages over one, no normalisation |
| 5b normalisation | the same with BatchNorm | the same |
| 5c speed | the staged net needs fewer steps to val loss 2.2 than the flat one | steps, flat minus staged |
| 6a dims (0, 1) | dims (0, 1) below dim 0 | val loss, dim 0 minus dims (0, 1), batches of 512 and of 32 |
| 6b consistency | the mean over dims (0, 1) moves less from batch to batch than the mean over dim 0 | spread of batch means, ratio |
| 6c padding | leaving padding out of the statistics lowers the loss | val loss, dims (0, 1) minus the same with padding masked |
| 7a convergence | with BatchNorm fewer steps to val loss 2.2 than without | steps, none minus BatchNorm |
| 7b stability | BatchNorm trains at more learning rates | how many of the tried rates end within 0.1 of the arm's best, by optimizer |
| 8a covariate shift | putting a shift back undoes more than half of what BatchNorm gains | val loss, shifted minus the mean of BatchNorm and none |
| 8b smoothness | BatchNorm makes the loss smoother along the gradient | change of the gradient on the way, none minus BatchNorm |"""


class Evidence:
    """The rows of data/evidence/staging.csv, selected by arm.

    Args:
        rows: a table with the columns of that file; None reads the file.
    """

    def __init__(self, rows: pd.DataFrame | None = None) -> None:
        self.rows = pd.read_csv(RUNS) if rows is None else rows

    def values(
        self, arm: str, column: str, size: int = SMALL, batch: int = 512, experiment: str = "arms"
    ) -> Float[Tensor, "N"]:
        """One column of one arm, one value per seed, in the order of the seeds.

        Raises:
            LookupError: there are no such rows, or the column was not measured for them.
        """
        rows = self.rows.query("arm == @arm and size == @size and batch == @batch and experiment == @experiment")
        if rows.empty:
            known = ", ".join(sorted(self.rows[self.rows.experiment == experiment].arm.unique()))
            expected = f"arm {arm!r}, size {size}, batch {batch} in experiment {experiment!r}"
            raise LookupError(f"Expected rows of {expected}, got none; its arms are {known}.")
        rows = rows.sort_values(["seed", "split"])
        values = rows[column].fillna(rows.steps) if column.startswith("steps to") else rows[column]
        if values.isna().any():
            raise LookupError(f"{column!r} was not measured for every row of {arm!r} in experiment {experiment!r}.")
        return torch.tensor(values.to_numpy(float))

    def gap(self, worse: str, better: str, column: str = "val", **where: str | int) -> Float[Tensor, "N"]:
        """The paired differences worse - better of a column, one value per seed."""
        return self.values(worse, column, **where) - self.values(better, column, **where)


@dataclass(frozen=True)
class Part:
    """One difference that a claim predicts to be positive.

    Args:
        number: of the claim, as in the table.
        prediction: what holds if the difference is positive.
        unit: of the difference.
        terms: the weight of each (arm, column) in the difference.
        where: further arguments of `Evidence.values`.
    """

    number: str
    prediction: str
    unit: str
    terms: Mapping[tuple[str, str], float]
    where: Mapping[str, str | int] = field(default_factory=dict)

    def measure(self, evidence: Evidence) -> Claim:
        """Compute the differences, one per seed."""
        differences = sum(weight * evidence.values(*term, **self.where) for term, weight in self.terms.items())
        return Claim(self.number, self.prediction, differences, self.unit)


def _gap(worse: str, better: str, column: str = "val") -> dict[tuple[str, str], float]:
    return {(worse, column): 1.0, (better, column): -1.0}


def _staged(higher: str, lower: str) -> dict[tuple[str, str], float]:
    return {("staged", higher): 1.0, ("staged", lower): -1.0}


_RARE = _gap("flat", "staged", "val, seen 1 to 9") | _gap("staged", "flat", "val, seen 100 or more")
_HALF_OF_GAIN = {("shifted", "val"): 1.0, ("staged", "val"): -0.5, ("none", "val"): -0.5}
_PASS_ON = "three stages pass the gradient on better than one, {} BatchNorm, at the start"
_PROBED = "training makes a {}'s continuation easier to read off stage {}"
_READ = "a quad's continuation is easier to read off stage 2 than off stage 1"
_SHARED = "dims (0, 1) end below dim 0 ({})"
_SPREAD = "means over dims (0, 1) move less from batch to batch than means over dim 0"
_SOONER = "BatchNorm reaches 2.2 sooner than {}"
_TREE = "the tree ends below the flat net ({})"
_SMALL, _LARGE = f"{SMALL:,} parameters", f"{LARGE:,} parameters"
_AT_LARGE = {"size": LARGE}

PARTS = (
    Part("1a", _PROBED.format("pair", 1), ACCURACY, _staged("pair, stage 1", "pair, untrained 1")),
    Part("1a", _PROBED.format("quad", 2), ACCURACY, _staged("quad, stage 2", "quad, untrained 2")),
    Part("1b", _READ, ACCURACY, _staged("quad, stage 2", "quad, stage 1")),
    Part("1c", "the tree gains more on rare combinations than on frequent ones", NATS, _RARE),
    Part("2a", _TREE.format(_SMALL), NATS, _gap("flat", "staged")),
    Part("2a", _TREE.format(_LARGE), NATS, _gap("flat", "staged"), _AT_LARGE),
    Part("2a", _TREE.format(f"{_SMALL}, 16 passes"), NATS, _gap("flat", "staged"), {"experiment": "long"}),
    Part("2b", f"Linear layers lower the loss ({_SMALL})", NATS, _gap("flat", "linear between")),
    Part("2b", f"BatchNorm lowers the loss ({_SMALL})", NATS, _gap("flat", "batchnorm between")),
    Part("2b", f"Linear and BatchNorm lower the loss ({_SMALL})", NATS, _gap("flat", "linear, batchnorm between")),
    Part("2b", f"Linear and tanh lower the loss ({_SMALL})", NATS, _gap("flat", "linear, tanh between")),
    Part("2b", f"Linear and tanh lower the loss ({_LARGE})", NATS, _gap("flat", "linear, tanh between"), _AT_LARGE),
    Part(
        "4b",
        "letters are as easy to read off stage 3 as off stage 1",
        ACCURACY,
        _staged("letters, stage 3", "letters, stage 1"),
    ),
    Part("5a", _PASS_ON.format("without"), "gain", _gap("none", "flat, none", "gain at init")),
    Part("5b", _PASS_ON.format("with"), "gain", _gap("staged", "flat", "gain at init")),
    Part("5c", "the tree reaches 2.2 sooner than the flat net", "steps", _gap("flat", "staged", STEPS)),
    Part("6a", _SHARED.format(_SMALL), NATS, _gap("dim 0", "staged")),
    Part("6a", _SHARED.format(_LARGE), NATS, _gap("dim 0", "staged"), _AT_LARGE),
    Part("6a", _SHARED.format("batches of 32"), NATS, _gap("dim 0", "staged"), {"batch": 32}),
    Part("6b", _SPREAD, "standard deviations", _staged("spread dim 0", "spread dims (0, 1)")),
    Part("6c", "leaving padding out of the statistics lowers the loss", NATS, _gap("staged", "padding masked")),
    Part("7a", _SOONER.format("no BatchNorm"), "steps", _gap("none", "staged", STEPS)),
    Part(
        "7a",
        _SOONER.format("larger first weights without it"),
        "steps",
        _gap("none, larger weights", "staged", STEPS),
    ),
    Part("8a", "a reintroduced shift undoes more than half of BatchNorm's gain", NATS, _HALF_OF_GAIN),
    Part(
        "8b",
        "BatchNorm makes the loss smoother along its gradient",
        "share of the gradient",
        _gap("none", "staged", "gradient change"),
    ),
)

# Not preregistered: that the output layer's start matters was found after the runs of the table, in trial runs. The rules for
# learning rates, seeds and verdicts are the same.
_OWN_HEAD = _gap("flat, torch's head", "staged, torch's head")
AFTERWARDS = (
    Part("2c", _TREE.format(f"{_SMALL}, torch's output layer"), NATS, _OWN_HEAD),
    Part("2c", _TREE.format(f"{_LARGE}, torch's output layer"), NATS, _OWN_HEAD, _AT_LARGE),
)


def registered(*numbers: str) -> str:
    """The rows of PREREGISTERED with these numbers, in Markdown.

    Raises:
        LookupError: a number that the table does not have.
    """
    head, line, *rows = PREREGISTERED.splitlines()
    by_number = {row.split()[1]: row for row in rows}
    if unknown := [number for number in numbers if number not in by_number]:
        raise LookupError(f"Expected claims out of {', '.join(by_number)}, got {', '.join(unknown)}.")
    return "\n".join([head, line, *(by_number[number] for number in numbers)])


def claims(evidence: Evidence) -> list[Claim]:
    """Every part of a claim that has a verdict, in the order of the table."""
    return [part.measure(evidence) for part in PARTS]


def afterwards(evidence: Evidence) -> list[Claim]:
    """The claims that were made after the runs of the table, and tested on runs of their own."""
    return [part.measure(evidence) for part in AFTERWARDS]


def rates_that_train(tuning: pd.DataFrame) -> dict[tuple[str, str], dict[float, float]]:
    """From (optimizer, arm) to the validation loss at each learning rate that was tried, for claim 7b; seed 100.

    Args:
        tuning: the rows of data/evidence/learning_rates.csv.
    """
    same = (tuning.seed == TUNING_SEEDS[0]) & (tuning["size"] == SMALL) & (tuning.batch == 512) & (tuning.epochs == 4)
    arms = tuning[same].sort_values("lr").set_index("lr").groupby(["optimizer", "arm"]).val
    return {key: arms.get_group(key).to_dict() for key in product(RANGE, RANGE_ARMS)}
