"""Laws of lib.training."""

import copy
import math
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib import training
from lib.batches import Batches, make_examples
from lib.data import Vocabulary, make_windows
from lib.ngrams import CountModel
from lib.training import FAST, LECTURE, LONG, QUICK, Recipe, evaluate, load_checkpoint, save_checkpoint, train

SHORT = replace(FAST, name="short", batch_size=64, epochs=2)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([t.flatten().double() for t in model.state_dict().values()])


def stop_after(steps: int, stop) -> nn.Module:
    """A layer that passes its input on, and calls `stop` at its forward pass number `steps`, in train mode."""

    class StopAfter(nn.Module):
        count = 0

        def forward(self, x):
            self.count += self.training
            if self.count == steps:
                self.count += 1
                stop()
            return x

    return StopAfter()


def press_stop_button():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_recipes_are_the_ones_the_lessons_name():
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


def test_weight_decay_is_for_matrices_only(make_model):
    model = make_model()
    matrices, vectors = training._make_optimizer(model, FAST).param_groups
    assert matrices["weight_decay"] == FAST.weight_decay and vectors["weight_decay"] == 0
    assert {id(p) for p in matrices["params"]} == {id(p) for p in model.parameters() if p.ndim == 2}
    assert any(p is model.embedding.weight for p in matrices["params"])
    assert len(matrices["params"]) + len(vectors["params"]) == len(list(model.parameters()))


def test_training_lowers_the_loss_and_says_what_happened(small, make_model):
    model = make_model()
    before = evaluate(model, small.val)
    history = train(model, small.train, small.val, SHORT, progress=False)
    assert abs(before - math.log(27)) < 0.05
    assert history.val[-1] == (history.steps, evaluate(model, small.val))
    assert history.val[-1][1] < before - 0.4
    assert len(history.train) == history.steps == SHORT.total_steps(len(small.train[1]))
    assert [step for step, _ in history.val] == [round(history.steps * i / 8) for i in range(1, 9)]
    assert not history.interrupted and history.seconds > 0


def torchs_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer, written out."""
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr=recipe.lr)
    decays, others = ([p for p in model.parameters() if (p.ndim == 2) == matrix] for matrix in (True, False))
    groups = [{"params": decays, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0}]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas)


@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 0.1), ("adamw", 0.01)])
def test_steps_are_the_steps_that_torch_makes(small, make_model, optimizer, lr):
    X, Y = small.train[0][:500], small.train[1][:500]
    recipe = Recipe("steps", len(Y), lr, steps=4, optimizer=optimizer, warmup=0.5, weight_decay=0.3, betas=(0.8, 0.95))
    ours, theirs = make_model().double(), make_model().double().train()
    train(ours, (X, Y), recipe=recipe, progress=False)
    reference = torchs_optimizer(theirs, recipe)
    for step in range(4):
        for group in reference.param_groups:
            group["lr"] = recipe.lr_at(step, 4)
        reference.zero_grad()
        F.cross_entropy(theirs(X), Y).backward()
        reference.step()
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "recipe",
    [SHORT, replace(SHORT, optimizer="sgd", schedule="step", lr=0.1, replacement=True), replace(QUICK, steps=50)],
)
def test_same_seed_same_result_other_seed_another(small, make_model, recipe):
    results = []
    for seed in (0, 0, 1):
        model = make_model()
        torch.rand(len(results))  # what happened before must not matter
        train(model, small.train, recipe=recipe, seed=seed, progress=False)
        results.append(weights(model))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_the_seed_is_of_dropout_too(small, make_model):
    results = []
    for before in (0, 3):
        model = nn.Sequential(make_model(), nn.Dropout(0.3))
        torch.rand(before)
        train(model, small.train, recipe=replace(SHORT, epochs=0.1), progress=False)
        results.append(weights(model))
    assert torch.equal(*results)


def test_a_watch_sees_the_model_before_each_step_and_after_the_last(small, make_model):
    model, seen = make_model(), []
    recipe = replace(FAST, epochs=None, steps=3)
    unwatched = make_model()
    train(unwatched, small.train, recipe=recipe, progress=False)
    train(model, small.train, recipe=recipe, progress=False, watch=lambda step: seen.append((step, weights(model))))
    assert [step for step, _ in seen] == [0, 1, 2, 3]
    assert torch.equal(seen[0][1], weights(make_model())) and not torch.equal(seen[2][1], seen[3][1])
    assert torch.equal(seen[-1][1], weights(model)) and torch.equal(weights(model), weights(unwatched))


def test_every_window_is_used_once_an_epoch():
    for count in (100, 103):
        windows = torch.arange(count)[:, None], torch.arange(count)
        batches = Batches(windows, replace(SHORT, batch_size=10), seed=0)
        epochs = [torch.cat([batches.next() for _ in range(10)]) for _ in range(2)]
        assert all(len(epoch.unique()) == 100 for epoch in epochs)
        assert not torch.equal(*epochs)
    with_replacement = Batches(windows, replace(SHORT, batch_size=10, replacement=True), seed=0)
    assert len(torch.cat([with_replacement.next() for _ in range(10)]).unique()) < 90


def test_distinct_contexts_have_the_gradient_of_all_windows(small, make_model):
    """In expectation: summed over all examples, each drawn as often as `draw` says and counted with `weight`."""
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


def test_the_loss_of_a_batch_counts_each_example_by_its_weight(small):
    batches = Batches(small.train, QUICK, seed=0)
    batch, logits = torch.tensor([0, 1, 5]), torch.randn(3, 30)  # 30: three letters that are in no window
    logs = torch.log_softmax(logits, dim=1)[:, :27]
    targets, weight = batches.examples.targets[batch], batches.examples.weight[batch]
    assert len(weight.unique()) > 1
    expected = -(weight[:, None] * targets * logs).sum() / weight.sum()
    torch.testing.assert_close(batches.loss(logits, batch), expected)


def test_contexts_are_drawn_as_often_as_they_should_be(small):
    batches = Batches(small.train, QUICK, seed=0)
    drawn = torch.bincount(torch.cat([batches.next() for _ in range(400)]), minlength=len(batches.draw))
    share, p = drawn / drawn.sum(), batches.draw / batches.draw.sum()
    assert ((share - p).abs() < 6 * (p / drawn.sum()).sqrt()).all()


@pytest.mark.parametrize("distinct", [False, True])
def test_the_teacher_has_its_share_of_the_target(small, distinct):
    recipe = replace(QUICK, teacher=0.3, teacher_context=2, distinct=distinct)
    examples, plain = (
        make_examples(small.train, recipe),
        make_examples(small.train, replace(recipe, teacher=0, distinct=distinct)),
    )
    came = plain.targets if distinct else F.one_hot(plain.targets, 27).float()
    teacher = CountModel(small.train, 27, 2).predict(examples.inputs).float()
    torch.testing.assert_close(examples.targets, 0.7 * came + 0.3 * teacher)
    torch.testing.assert_close(examples.targets.sum(1), torch.ones(len(came)))


def test_soft_targets_suit_a_vocabulary_with_letters_that_are_not_in_the_windows(make_model):
    windows = make_windows(["ab", "ba"], Vocabulary(["abcdefghijklmnopqrstuvwxyz"]))
    history = train(make_model(), windows, recipe=replace(QUICK, steps=3), progress=False)
    assert all(map(math.isfinite, history.train))


def test_what_was_set_before_is_put_back(small, make_model):
    model = make_model()
    model.eval()
    model.stage1.train()
    modes = [module.training for module in model.modules()]
    threads, state, handler = torch.get_num_threads(), torch.get_rng_state(), signal.getsignal(signal.SIGINT)
    train(model, small.train, small.val, replace(SHORT, epochs=0.1), progress=False)
    evaluate(model, small.val)
    assert [module.training for module in model.modules()] == modes
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert signal.getsignal(signal.SIGINT) == handler


def test_threads_suit_the_batch(small, make_model):
    before, seen = torch.get_num_threads(), set()
    model = make_model()
    model.register_forward_hook(lambda *_: seen.add(torch.get_num_threads()))
    torch.set_num_threads(3)
    try:
        for batch_size, wanted in ((32, 1), (511, 1), (512, 2), (8_192, 3)):
            with training._threads_for(batch_size):
                assert torch.get_num_threads() == wanted
        train(model, small.train, recipe=replace(SHORT, epochs=0.1), progress=False)
        assert seen == {1} and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("change", [{}, {"replacement": True}, {"distinct": True, "teacher": 0.5}])
def test_stopped_and_resumed_is_the_same_as_never_stopped(small, make_model, tmp_path, capsys, change):
    recipe = replace(SHORT, **change)
    whole = make_model()
    uninterrupted = train(whole, small.train, small.val, recipe, progress=False)

    path, stopped = tmp_path / "run.pt", make_model()
    button = stop_after(131, press_stop_button)  # in the second epoch, in the middle of a shuffle
    first = train(nn.Sequential(stopped, button), small.train, small.val, recipe, progress=False)
    assert first.interrupted and len(first.train) == 131
    assert f"Stopped after 131 of {first.steps} steps. The model keeps" in capsys.readouterr().out

    stopped, resumed = make_model(), make_model()
    with_button = nn.Sequential(stopped, stop_after(131, press_stop_button))
    train(with_button, small.train, small.val, recipe, progress=False, checkpoint=path)
    assert not torch.equal(weights(stopped), weights(whole))
    resumed_in_wrapper = nn.Sequential(resumed, nn.Identity())
    torch.rand(5)
    second = train(resumed_in_wrapper, small.train, small.val, recipe, progress=False, checkpoint=path)
    assert torch.equal(weights(resumed), weights(whole))
    assert second.train == uninterrupted.train and second.val == uninterrupted.val and not second.interrupted
    again = make_model()
    assert (
        train(nn.Sequential(again, nn.Identity()), small.train, small.val, recipe, progress=False, checkpoint=path)
        == second
    )
    assert torch.equal(weights(again), weights(whole))


def test_a_checkpoint_is_written_on_the_way(small, make_model, tmp_path):
    def killed():
        raise ZeroDivisionError

    path = tmp_path / "run.pt"
    with pytest.raises(ZeroDivisionError):
        train(
            nn.Sequential(make_model(), stop_after(60, killed)), small.train, recipe=SHORT, progress=False, checkpoint=path,
            checkpoint_every=25,
        )  # fmt: skip
    assert len(load_checkpoint(path)["history"]["train"]) == 50
    assert list(tmp_path.iterdir()) == [path]


def test_dropout_resumes_too(small, make_model, tmp_path):
    def run(stop=None, checkpoint=None):
        model = nn.Sequential(
            *make_model()[:3], nn.Dropout(0.3), *make_model()[3:], stop_after(40, stop or (lambda: None))
        )
        train(model, small.train, recipe=replace(SHORT, epochs=1), progress=False, checkpoint=checkpoint)
        return weights(model)

    whole = run()
    run(press_stop_button, tmp_path / "run.pt")
    assert torch.equal(run(checkpoint=tmp_path / "run.pt"), whole)


def test_seconds_go_on_counting_where_a_stopped_training_left_off(small, make_model, tmp_path):
    path, short = tmp_path / "run.pt", replace(SHORT, epochs=0.1)
    stopped = nn.Sequential(make_model(), stop_after(3, press_stop_button))
    train(stopped, small.train, recipe=short, progress=False, checkpoint=path)
    checkpoint = load_checkpoint(path)
    checkpoint["history"]["seconds"] += 1_000
    save_checkpoint(path, checkpoint)
    resumed = nn.Sequential(make_model(), nn.Identity())
    history = train(resumed, small.train, recipe=short, progress=False, checkpoint=path)
    assert len(history.train) > len(checkpoint["history"]["train"]) == 3
    assert checkpoint["history"]["seconds"] < history.seconds < checkpoint["history"]["seconds"] + 100


def test_a_checkpoint_of_another_training_is_refused(small, make_model, tmp_path):
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
    ):
        with pytest.raises(ValueError, match="of another training: its (seed|recipe|windows)"):
            train(
                make_model(),
                **{"train_windows": small.train, "recipe": short, **wrong},
                progress=False,
                checkpoint=path,
            )
    assert path.read_bytes() == before


def test_a_checkpoint_runs_no_code(tmp_path):
    class Harmful:
        def __reduce__(self):
            return os.system, ("touch " + str(tmp_path / "harm"),)

    path = tmp_path / "run.pt"
    path.write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(ValueError, match="can't be read as a checkpoint"):
        load_checkpoint(path)
    torch.save({"model": Harmful()}, path)
    with pytest.raises(ValueError, match="can't be read as a checkpoint"):
        load_checkpoint(path)
    assert not (tmp_path / "harm").exists()


def test_a_checkpoint_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    save_checkpoint(path, {"step": 1})

    def full_disk(checkpoint, file):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="no space left"):
        save_checkpoint(path, {"step": 2})
    assert load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_load_checkpoint_says_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint at .*nowhere"):
        load_checkpoint(tmp_path / "nowhere.pt")
    path = tmp_path / "run.pt"
    save_checkpoint(path, {"step": torch.zeros(1_000)})
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(ValueError, match="Delete it to start afresh"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("loss", "spoil"),
    [
        ("nan", lambda logits: logits * math.nan),
        ("inf", lambda logits: logits.masked_fill(torch.arange(27) == 0, -math.inf)),
    ],
)
def test_a_loss_that_is_no_number_stops_before_the_weights_are_lost(small, make_model, loss, spoil):
    model = make_model()

    class SpoilsStep9(nn.Module):
        count = 0

        def forward(self, x):
            self.count += 1
            return spoil(x) if self.count == 10 else x

    with pytest.raises(FloatingPointError, match=rf"became {loss} at step 9 of recipe 'short'.*learning rate"):
        train(nn.Sequential(model, SpoilsStep9()), small.train, recipe=SHORT, progress=False)
    assert weights(model).isfinite().all()


def test_evaluate_is_the_loss_in_one_piece_whatever_the_mode(small, make_model):
    model = make_model()
    train(model, small.train, recipe=replace(SHORT, epochs=0.2), progress=False)
    model.eval()
    with torch.no_grad():
        expected = F.cross_entropy(model(small.val[0]), small.val[1]).item()
    before = copy.deepcopy(model.state_dict())
    model.train()
    for piece in (1, 7, 8_192):
        assert evaluate(model, small.val, piece) == pytest.approx(expected, abs=1e-5)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_evaluate_keeps_no_graph(small, make_model):
    model, kept = make_model(), []
    model.register_forward_hook(lambda _model, _inputs, logits: kept.append(logits.requires_grad))
    evaluate(model, small.val)
    assert kept == [False]


def test_windows_that_do_not_fit_are_refused(small, make_model):
    X, Y = small.train
    for wrong in ((X, Y[:-1]), (X[:0], Y[:0])):
        with pytest.raises(ValueError, match=r"train_windows must be X and Y of the same length"):
            train(make_model(), wrong, progress=False)
        with pytest.raises(ValueError, match=r"^windows must be"):
            evaluate(make_model(), wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 3, "epochs": 4}, "one of them"),
        ({}, "one of them"),
        ({"steps": 0}, "steps must be above 0"),
        ({"epochs": 1, "lr": -1.0}, "lr must be above 0"),
        ({"epochs": 1, "batch_size": 0}, "batch_size must be above 0"),
        ({"epochs": 1, "optimizer": "adam"}, "'adam'"),
        ({"epochs": 1, "teacher": 1.5}, "share from 0 to 1; got 1.5"),
    ],
)
def test_recipes_refuse_nonsense(wrong, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**{"name": "wrong", "batch_size": 32, "lr": 0.1, **wrong})


def test_the_bar_is_quiet_where_there_is_no_screen(small, make_model, capfd):
    train(make_model(), small.train, recipe=replace(SHORT, epochs=0.1), progress=True)
    assert capfd.readouterr() == ("", "")


def test_the_package_loads_neither_matplotlib_nor_ipython():
    modules = "import lib, lib.data, lib.layers, lib.models, lib.ngrams, lib.training, lib.sampling; import sys"
    code = f"{modules}; print(*sorted({{'matplotlib', 'IPython', 'ipywidgets'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
