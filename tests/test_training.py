"""Tests of lib.training, lib.batches and lib.recipes."""

import contextlib
import copy
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib import training
from lib.batches import Batches, Examples, make_examples
from lib.checkpoints import save_model
from lib.data import Vocabulary, make_windows
from lib.models import staged_model
from lib.ngrams import CountModel
from lib.training import FAST, LECTURE, LONG, QUICK, Recipe, evaluate, load_checkpoint, save_checkpoint, train

SHORT = replace(FAST, name="short", batch_size=64, epochs=0.5)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([t.flatten().double() for t in model.state_dict().values()])


class At(nn.Module):
    """Returns its input; calls `action` in the forward pass of one training step, counted from 1."""

    def __init__(self, step: int | None = None, action=lambda: os.kill(os.getpid(), signal.SIGINT)) -> None:
        super().__init__()
        self.step, self.action, self.count = step, action, 0

    def forward(self, x):
        self.count += self.training
        if self.training and self.count == self.step:
            self.action()
        return x


def test_recipes_are_those_of_the_lessons():
    assert (LECTURE.optimizer, LECTURE.batch_size, LECTURE.total_steps(182_625)) == ("sgd", 32, 200_000)
    assert [LECTURE.lr_at(step, 200_000) for step in (0, 149_999, 150_000, 199_999)] == pytest.approx(
        [0.1, 0.1, 0.01, 0.01]
    )
    assert (FAST.epochs, LONG.epochs, FAST.total_steps(169_801)) == (4, 16, 1_324)
    rates = [FAST.lr_at(step, 1_000) for step in range(1_000)]
    assert max(rates) == pytest.approx(FAST.lr) and rates.index(max(rates)) == 99
    assert rates[:100] == sorted(rates[:100]) and rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[0] == pytest.approx(FAST.lr / 100) and rates[-1] < FAST.lr / 1_000
    for share in (0, 0.25, 0.5, 0.75):  # of the way down
        assert rates[100 + int(900 * share)] == pytest.approx(FAST.lr * (1 + math.cos(math.pi * share)) / 2)
    assert replace(FAST, epochs=1.5).total_steps(10 * 512 + 511) == 15


def test_training_lowers_the_loss_and_records_it(small, make_model):
    model = make_model()
    before = evaluate(model, small.val)
    history = train(model, small.train, small.val, SHORT, progress=False)
    assert abs(before - math.log(27)) < 0.05
    assert history.val[-1] == (history.steps, evaluate(model, small.val))
    assert history.val[-1][1] < before - 0.3
    assert len(history.train) == history.steps == SHORT.total_steps(len(small.train[1]))
    assert [step for step, _ in history.val] == [round(history.steps * i / 8) for i in range(1, 9)]
    assert not history.interrupted and history.seconds > 0


@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 0.1), ("adamw", 0.01)])
def test_steps_equal_torchs(small, make_model, optimizer, lr):
    X, Y = small.train[0][:500], small.train[1][:500]
    recipe = Recipe("steps", len(Y), lr, steps=4, optimizer=optimizer, warmup=0.5, weight_decay=0.3, betas=(0.8, 0.95))
    ours, theirs = make_model().double(), make_model().double().train()
    train(ours, (X, Y), recipe=recipe, progress=False)
    matrices, others = ([p for p in theirs.parameters() if (p.ndim == 2) == matrix] for matrix in (True, False))
    decayed = [{"params": matrices, "weight_decay": 0.3}, {"params": others, "weight_decay": 0}]
    sgd = torch.optim.SGD(theirs.parameters(), lr=lr)
    reference = sgd if optimizer == "sgd" else torch.optim.AdamW(decayed, lr=lr, betas=recipe.betas)
    for step in range(4):
        for group in reference.param_groups:
            group["lr"] = recipe.lr_at(step, 4)
        reference.zero_grad()
        F.cross_entropy(theirs(X), Y).backward()
        reference.step()
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("recipe", "dropout"), [(SHORT, 0), (replace(QUICK, steps=20), 0), (SHORT, 0.1)])
def test_same_seed_gives_the_same_weights(small, make_model, recipe, dropout):
    results = []
    for seed, replacement in ((0, False), (0, False), (1, False), (0, True)):
        model = nn.Sequential(make_model(), nn.Dropout(dropout))
        torch.rand(len(results))  # the state of torch's generator must not matter
        train(model, small.train, recipe=replace(recipe, replacement=replacement), seed=seed, progress=False)
        results.append(weights(model))
    assert torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])
    assert torch.equal(results[0], results[3]) == recipe.distinct  # which draws with replacement anyway


def test_on_step_sees_the_model_before_each_step_and_after_the_last(small, make_model):
    model, without, seen = make_model(), make_model(), []
    recipe = replace(FAST, epochs=None, steps=3)
    train(without, small.train, recipe=recipe, progress=False)
    train(model, small.train, recipe=recipe, progress=False, on_step=lambda step: seen.append((step, weights(model))))
    assert [step for step, _ in seen] == [0, 1, 2, 3]
    assert torch.equal(seen[0][1], weights(make_model())) and not torch.equal(seen[2][1], seen[3][1])
    assert torch.equal(seen[-1][1], weights(model)) and torch.equal(weights(model), weights(without))


def test_every_window_is_used_once_per_epoch():
    for count in (100, 103):
        examples = Examples(torch.arange(count)[:, None], torch.arange(count))
        batches = Batches(examples, 10, seed=0)
        epochs = [torch.cat([batches.next() for _ in range(10)]) for _ in range(2)]
        assert all(len(epoch.unique()) == 100 for epoch in epochs)
        assert not torch.equal(*epochs)
    with_replacement = Batches(examples, 10, seed=0, replacement=True)
    assert len(torch.cat([with_replacement.next() for _ in range(10)]).unique()) < 90


def test_distinct_contexts_have_the_gradient_of_all_windows(small, make_model):
    """In expectation: summed over all examples, with sampling weight `draw` and importance weight `weight`."""
    model = make_model().double().eval()
    X, Y = small.train
    examples = make_examples(small.train, replace(QUICK, teacher=0))
    assert len(examples.inputs) < len(X) and torch.equal(examples.inputs, X.unique(dim=0))
    assert torch.equal(examples.draw * examples.weight, examples.draw * examples.weight.clamp(min=1))
    assert (examples.draw * examples.weight).sum() == len(X)
    F.cross_entropy(model(X), Y).backward()
    expected = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    losses = F.cross_entropy(model(examples.inputs), examples.targets.double(), reduction="none")
    (losses * examples.draw * examples.weight).sum().div(len(X)).backward()
    for p, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, gradient, rtol=1e-5, atol=1e-8)


def test_loss_weighs_each_example(small):
    examples, rows = make_examples(small.train, QUICK), torch.tensor([0, 1, 5])
    logits = torch.randn(3, 30)  # 30: three characters that are in no window
    logs = torch.log_softmax(logits, dim=1)[:, :27]
    targets, weight = examples.targets[rows], examples.weight[rows]
    assert len(weight.unique()) > 1
    expected = -(weight[:, None] * targets * logs).sum() / weight.sum()
    model = nn.Identity()
    model.register_forward_hook(lambda *_: logits)
    torch.testing.assert_close(examples.loss(model, rows), expected)


def test_contexts_are_drawn_by_their_sampling_weights(small):
    examples = make_examples(small.train, QUICK)
    batches = Batches(examples, 512, seed=0)
    drawn = torch.bincount(torch.cat([batches.next() for _ in range(400)]), minlength=len(examples.draw))
    share, p = drawn / drawn.sum(), examples.draw / examples.draw.sum()
    assert ((share - p).abs() < 6 * (p / drawn.sum()).sqrt()).all()


@pytest.mark.parametrize("distinct", [False, True])
def test_teacher_has_its_share_of_the_target(small, distinct):
    recipe = replace(QUICK, teacher=0.3, teacher_context=2, distinct=distinct)
    examples = make_examples(small.train, recipe)
    plain = make_examples(small.train, replace(recipe, teacher=0)).targets
    observed = plain if distinct else F.one_hot(plain, 27).float()
    teacher = CountModel(small.train, 27, 2).predict(examples.inputs).float()
    torch.testing.assert_close(examples.targets, 0.7 * observed + 0.3 * teacher)
    torch.testing.assert_close(examples.targets.sum(1), torch.ones(len(observed)))


def test_soft_targets_allow_characters_that_are_in_no_window(make_model):
    windows = make_windows(["ab", "ba"], Vocabulary(["abcdefghijklmnopqrstuvwxyz"]))
    history = train(make_model(), windows, recipe=replace(QUICK, steps=3), progress=False)
    assert all(map(math.isfinite, history.train))


@pytest.mark.parametrize("step", [None, 2])  # 2: an error in the second step
def test_training_restores_what_it_sets(small, make_model, step):
    def error():
        raise ZeroDivisionError

    model = nn.Sequential(make_model(), At(step, error))
    model.eval()
    model[0].stage1.train()
    modes = [module.training for module in model.modules()]
    threads, state, handler = torch.get_num_threads(), torch.get_rng_state(), signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError) if step else contextlib.nullcontext() as caught:
        train(model, small.train, small.val, replace(SHORT, epochs=0.1), progress=False)
    evaluate(model, small.val)
    assert [module.training for module in model.modules()] == modes
    assert torch.get_num_threads() == threads and torch.equal(torch.get_rng_state(), state)
    assert signal.getsignal(signal.SIGINT) == handler, caught


def test_threads_suit_the_batch(small, make_model):
    before, seen = torch.get_num_threads(), set()
    model = make_model()
    model.register_forward_hook(lambda *_: seen.add(torch.get_num_threads()))
    torch.set_num_threads(3)
    try:
        for batch_size, expected in ((32, 1), (511, 1), (512, 2), (8_192, 3)):
            with training._threads_for(batch_size):
                assert torch.get_num_threads() == expected
        train(model, small.train, recipe=replace(SHORT, epochs=0.1), progress=False)
        assert seen == {1} and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("change", [{}, {"replacement": True}, {"distinct": True, "teacher": 0.5}])
def test_resumed_training_ends_as_if_never_stopped(small, make_model, tmp_path, capsys, change):
    recipe = replace(SHORT, epochs=2, evaluations=4, **change)
    windows = [part[: 20 * recipe.batch_size] for part in small.train]

    def run(stop_at=None, checkpoint=None):
        model = nn.Sequential(make_model(), nn.Dropout(0.1), At(stop_at))
        torch.rand(1)
        return model, train(model, tuple(windows), small.val, recipe, progress=False, checkpoint=checkpoint)

    whole, expected = run()
    assert expected.steps == 40 and not capsys.readouterr().out
    stopped, first = run(stop_at=27)  # in the second epoch, between two evaluations
    message = "Stopped after 27 of 40 steps. The model keeps what it has learned."
    assert capsys.readouterr().out == message + "\n"
    assert first.interrupted and first.train == expected.train[:27]
    assert first.val == [*expected.val[:2], (27, evaluate(stopped, small.val))]

    path = tmp_path / "run.pt"
    run(stop_at=27, checkpoint=path)
    assert capsys.readouterr().out == f"{message} Resume with train(..., checkpoint={str(path)!r}).\n"
    checkpoint = load_checkpoint(path)
    checkpoint["training"]["history"]["seconds"] += 1_000
    save_checkpoint(path, checkpoint)
    resumed, second = run(checkpoint=path)
    assert torch.equal(weights(resumed), weights(whole)) and not torch.equal(weights(stopped), weights(whole))
    assert (second.train, second.val, second.interrupted) == (expected.train, expected.val, False)
    assert second.seconds > checkpoint["training"]["history"]["seconds"]
    finished, third = run(checkpoint=path)
    assert torch.equal(weights(finished), weights(whole)) and third == second


def test_checkpoint_is_written_every_so_many_steps(small, make_model, tmp_path):
    path, saved = tmp_path / "run.pt", []
    on_step = lambda step: (
        path.exists() and saved.append((step, len(load_checkpoint(path)["training"]["history"]["train"])))
    )
    model = nn.Sequential(make_model(), At(15, lambda: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        train(model, small.train, recipe=SHORT, progress=False, checkpoint=path, checkpoint_every=5, on_step=on_step)
    assert saved == [(step, step // 5 * 5) for step in range(5, 15)] and list(tmp_path.iterdir()) == [path]


def test_checkpoint_of_another_training_is_rejected(small, make_model, tmp_path):
    path, short = tmp_path / "run.pt", replace(SHORT, epochs=0.1)
    train(make_model(), small.train, recipe=short, progress=False, checkpoint=path)
    before = path.read_bytes()
    X, Y = small.train
    for wrong in (
        {"seed": 1},
        {"recipe": replace(short, lr=1.0)},
        {"train_windows": small.val},
        {"train_windows": (X, Y.flip(0))},
        {"train_windows": (X.flip(0), Y)},
        {"model": staged_model(27, embedding=4, hidden=16, residual=True)},  # as make_model's, but with Tanh
    ):
        given = {"model": make_model(), "train_windows": small.train, "recipe": short, **wrong}
        with pytest.raises(ValueError, match="from a different training run: expected (seed|recipe|windows|net) "):
            train(**given, progress=False, checkpoint=path)
    assert path.read_bytes() == before
    save_model(path, make_model())
    for message in ("holds no training run to resume", "can't be read as a checkpoint"):
        with pytest.raises(ValueError, match=message):
            train(make_model(), small.train, recipe=short, progress=False, checkpoint=path)
        path.write_bytes(before[:1_000])


@pytest.mark.parametrize(
    ("loss", "spoil"),
    [
        ("nan", lambda logits: logits * math.nan),
        ("inf", lambda logits: logits.masked_fill(torch.arange(27) == 0, -math.inf)),
    ],
)
def test_loss_that_is_not_finite_stops_before_the_weights_are_lost(small, make_model, loss, spoil):
    model, spoils = make_model(), At()
    model.register_forward_hook(lambda module, inputs, logits: spoil(logits) if spoils.count == 9 else None)
    with pytest.raises(FloatingPointError, match=rf"became {loss} at step 9 of recipe 'short'.*learning rate"):
        train(nn.Sequential(model, spoils), small.train, recipe=SHORT, progress=False)
    assert weights(model).isfinite().all()


def test_evaluate_is_the_loss_of_all_windows_in_eval_mode(small, make_model):
    model = make_model()
    train(model, small.train, recipe=replace(SHORT, epochs=0.2), progress=False)
    model.eval()
    with torch.no_grad():
        expected = F.cross_entropy(model(small.val[0]), small.val[1]).item()
    before = copy.deepcopy(model.state_dict())
    model.train()
    for batch_size in (50, 333, 8_192):
        assert evaluate(model, small.val, batch_size) == pytest.approx(expected, abs=1e-5)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("recipe", [QUICK, replace(FAST, teacher=0.5), replace(FAST, distinct=True)])
def test_soft_targets_for_thousands_of_letters_are_refused_before_they_take_the_memory(recipe):
    X = torch.arange(80_000).view(-1, 8)
    with pytest.raises(ValueError, match="80,000 characters for each of 10,000 contexts, about 64.0 GB. Take .* FAST"):
        make_examples((X, X[:, 0]), recipe)


def test_evaluate_keeps_no_graph(small, make_model):
    model, kept = make_model(), []
    model.register_forward_hook(lambda _model, _inputs, logits: kept.append(logits.requires_grad))
    evaluate(model, small.val)
    assert kept == [False]


def test_windows_that_do_not_fit_are_rejected(small, make_model):
    X, Y = small.train
    for wrong in ((X, Y[:-1]), (X[:0], Y[:0])):
        for use in (lambda: train(make_model(), wrong), lambda: train(make_model(), small.train, wrong)):  # noqa: B023
            with pytest.raises(ValueError, match="^windows must be X and Y of the same length"):
                use()
        with pytest.raises(ValueError, match="^windows must be"):
            evaluate(make_model(), wrong)


def test_windows_of_another_vocabulary_or_context_are_rejected(small):
    """Before the work where the net's settings tell, and in words where they don't."""
    seen, V = [], len(small.vocabulary)
    for net, message in [
        (staged_model(V - 1, hidden=4), f"made for {V - 1} characters, and the windows hold ids up to {V - 1}"),
        (staged_model(V, context=4, hidden=4), "for windows of 4 characters, got 8. Give make_windows context=4"),
    ]:
        with pytest.raises(ValueError, match=message):
            train(net, small.train, progress=False, on_step=seen.append)
        with pytest.raises(ValueError, match=message):
            evaluate(net, small.val)
    own = nn.Sequential(nn.Embedding(V - 1, 2), nn.Flatten(), nn.Linear(16, V))
    with pytest.raises(IndexError, match=f"windows hold ids up to {V - 1}. Does the net's embedding"):
        evaluate(own, small.train)
    assert not seen


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 3, "epochs": 4}, "exactly one of epochs and steps"),
        ({}, "exactly one of epochs and steps"),
        ({"steps": 0}, "steps must be above 0"),
        ({"epochs": 1, "lr": -1.0}, "lr must be above 0"),
        ({"epochs": 1, "batch_size": 0}, "batch_size must be above 0"),
        ({"epochs": 1, "optimizer": "adam"}, "'adam'"),
        ({"epochs": 1, "teacher": 1.5}, "share from 0 to 1; got 1.5"),
    ],
)
def test_recipes_reject_values_out_of_range(wrong, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**{"name": "wrong", "batch_size": 32, "lr": 0.1, **wrong})


def test_bar_is_silent_without_a_screen(small, make_model, capfd):
    train(make_model(), small.train, recipe=replace(SHORT, epochs=0.1), progress=True)
    assert capfd.readouterr() == ("", "")


def test_core_loads_neither_matplotlib_nor_ipython():
    core = (
        "lib",
        "lib.data",
        "lib.layers",
        "lib.models",
        "lib.ngrams",
        "lib.training",
        "lib.sampling",
        "lib.checkpoints",
    )
    code = (
        f"import {', '.join(core)}, sys; print(*sorted({{'matplotlib', 'IPython', 'ipywidgets'}} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
