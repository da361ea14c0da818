"""Put mistakes into lib, one at a time, and see that its laws reject every one.

    python tests/mutants            all of them
    python tests/mutants train      those of one target

First the laws are run against lib as it is, in the same way. Needs a system with fork: Linux or macOS.
"""

import os
import sys
import time
from pathlib import Path

# One thread a process: two run at once, and a fork of a process with more threads may hang.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # of all plugins, the laws need Hypothesis's alone

if not hasattr(os, "fork"):
    sys.exit(
        f"tests/mutants forks a process for every mutant, and {sys.platform} has no fork. Run it on Linux or macOS."
    )
HERE = Path(__file__).resolve().parent

from tests.slow.mutants.catalogue import WRONG, Mutant, laws_of, mutants, text_of  # noqa: E402
from tests.slow.mutants.trial import Trial, Verdict, run  # noqa: E402

# The laws with such words in their names are about the target; they are tried first, in this order, to save time.
ABOUT = {
    "load_names": ("load_names", "list"),
    "split_names": ("split",),
    "Vocabulary": ("vocabulary",),
    "make_windows": ("windows",),
    "FlattenConsecutive": ("flatten",),
    "batch_norm": ("-batch_norm]", "batch_norm"),
    "BatchNorm1d": ("batch_norm",),
    "Recipe": ("the_recipes", "recipes_refuse"),
    "Batches": ("every_window", "contexts", "batch", "soft", "seed"),
    "make_examples": ("contexts", "teacher"),
    "train": ("steps", "weight_decay", "lowers", "threads", "put_back", "refused", "no_number", "seed_is", "seconds"),
    "checkpoint": ("checkpoint", "seconds", "dropout", "resume"),
    "evaluate": ("evaluate", "put_back"),
    "sample_names": ("mode", "generator", "temperature_zero", "no_name", "pieces", "refuses"),
    "letter_probs": ("letter_probs",),
    "name_log_prob": ("name_log_prob",),
    "CausalConv1d": ("convolution_",),
    "receptive_field": ("receptive_field_",),
    "repeating_taps": ("repeating",),
    "staged_to_dilated": ("dilated_net",),
    "GatedLayer": (
        "papers_equations",
        "convolutions_start",
        "condition_changes",
        "left_out",
        "without_its_parts",
        "gradient_reaches",
    ),
    "WaveNet": ("papers_equations", "left_out", "wavenet_refuses", "wavenet_says", "first_loss_of_wavenet"),
    "make_sequences": ("sequences_hold", "masked_loss", "sequences_refuse"),
    "cut_sequences": ("long_track", "sequences_refuse"),
    "sequence_loss": ("masked_loss", "long_track", "training_with"),
    "train_sequences": ("training_on_sequences", "training_refuses", "epoch_of_sequences", "sequences_refuse"),
    "evaluate_sequences": ("masked_loss",),
    "OnWindows": ("net_on_windows", "masked_loss", "training_on_sequences", "tree_computes"),
    "Queues": ("queues_give", "queues_are", "generation_", "can_go_on"),
    "state": ("generation_goes_on", "queues_refuse"),
    "TreeTaps": ("queues_give", "tree_computes"),
    "Recompute": ("queues_give", "can_go_on"),
    "generate": ("generate_draws", "generation_"),
    "generate_names": ("generated_names", "generation_refuses"),
    "mu_law_encode": ("mu_law",),
    "mu_law_decode": ("mu_law",),
    "drum_with_echo": ("drum", "coins"),
    "parts": ("parts_are",),
    "entropy_floor": ("entropy",),
    "sound_net": ("nets_differ",),
    "trained_sound_net": ("stored_weights",),
    "sample_losses": ("sample_losses",),
    "Player": ("player", "wav_file"),
}


def laws_that_fail() -> list[str]:
    """Run every file of laws against lib as it is, in the way of the mutants; give the complaints."""
    files = {laws_of(module): module for module in WRONG}
    complaints = []
    for number, verdict in run([Trial(module, text_of(module)) for module in files.values()]):
        name = list(files)[number].name
        if verdict.law or verdict.trouble:
            complaints.append(f"{name}, lib as it is: {verdict.law or verdict.trouble}\n{verdict.output}")
        else:
            print(f"{name}, lib as it is: {verdict.laws} laws hold", flush=True)
    return complaints


def trials_of(chosen: list[Mutant]) -> list[Trial]:
    """A trial for each mutant; the program ends if the catalogue no longer fits lib."""
    trials, complaints = [], []
    for mutant in chosen:
        try:
            trials.append(Trial(mutant.module, mutant.source(), ABOUT[mutant.target]))
        except ValueError as error:
            complaints.append(str(error))
    if complaints:
        sys.exit("\n".join(complaints))
    return trials


def outcome(verdict: Verdict) -> str:
    """A verdict in words."""
    if verdict.law:
        return f"rejected by {verdict.law}"
    return f"NO VERDICT: {verdict.trouble}\n{verdict.output}" if verdict.trouble else f"SURVIVED {verdict.laws} laws"


def report(tried: list[tuple[Mutant, Verdict]]) -> None:
    """Print a line for each target, then one for each mutant."""
    print(f"\n{'target':<18} | {'mistakes tried':>14} | {'rejected':>8}")
    for target in dict.fromkeys(mutant.target for mutant, _ in tried):
        laws = [verdict.law for mutant, verdict in tried if mutant.target == target]
        print(f"{target:<18} | {len(laws):>14} | {sum(map(bool, laws)):>8}")
    print()
    for mutant, verdict in tried:
        print(f"{mutant.target}: {mutant.mistake}: {outcome(verdict)}")


def main() -> int:
    """Try all mutants, or those of the targets that were named; 1 if a law is missing."""
    begin, wanted = time.perf_counter(), sys.argv[1:]
    chosen = [mutant for mutant in mutants() if not wanted or mutant.target in wanted]
    if not chosen:
        sys.exit(
            f"no target is named {' or '.join(wanted)}; there are {', '.join(dict.fromkeys(m.target for m in mutants()))}."
        )
    trials = trials_of(chosen)
    if complaints := laws_that_fail():
        print(*complaints, sep="\n")
        return 1
    verdicts = {}
    for number, verdict in run(trials):
        verdicts[number] = verdict
        print("." if verdict.law else "?" if verdict.trouble else "S", end="", flush=True)
    report([(mutant, verdicts[number]) for number, mutant in enumerate(chosen)])
    failed = sum(not verdict.law for verdict in verdicts.values())
    print(f"\n{time.perf_counter() - begin:.0f} s")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
