"""The net in the page computes what lib does: logits, probabilities, names; run in Node."""

import json
import math
import shutil
import subprocess

import pytest
import torch
from torch import nn

import lib.live
from lib.data import Vocabulary, load_names, make_windows
from lib.models import flat_model, staged_model, trained_model
from lib.plots.probabilities import _one_in
from lib.sampling import letter_probs, name_log_prob, sample_names
from lib.wavenet import WaveNet

NAMES = ["charlie", "zoe", "bartholomew", "a", "xqzj"]
BEGIN = """
import fs from "fs";
import * as staged from "./staged.mjs";
import * as figure from "./net.mjs";
const given = JSON.parse(fs.readFileSync("given.json"));
const net = staged.load(fs.readFileSync("net.bin"));
console.log(JSON.stringify((() => { return %s; })()));
"""


def own_net(residual: bool, **sizes):
    """An untrained net with letters of two and four bytes, and BatchNorm statistics that are not the initial ones."""
    torch.manual_seed(1)
    vocabulary = Vocabulary(["zoë", "añu", "\U00010428o"])
    model = staged_model(len(vocabulary), activation=nn.GELU, residual=residual, **sizes).eval()
    for name, value in model.state_dict().items():
        if "norm" in name and value.is_floating_point():
            value.uniform_(0.5, 2)
    return model, vocabulary


NETS = {
    "trained": trained_model,
    "16 characters": lambda: own_net(True, context=16, embedding=5, hidden=7),
    "2 characters, no residual": lambda: own_net(False, context=2, embedding=4, hidden=4),
    "4 characters, no residual": lambda: own_net(False, context=4, embedding=4, hidden=4),
}


@pytest.fixture
def run(tmp_path):
    """A function that gives the value of an expression in JavaScript; it sees the modules, the net and what is given."""
    node = shutil.which("node")
    assert node, "these tests need Node.js: install it, so that the program `node` is found"
    for name in ("staged", "net"):
        (tmp_path / f"{name}.mjs").write_text(lib.live.module(name), encoding="utf-8")

    def evaluate(expression, net=None, **given):
        (tmp_path / "net.bin").write_bytes(lib.live.weights(*(net or trained_model())))
        (tmp_path / "given.json").write_text(json.dumps(given), encoding="utf-8")
        words = [node, "--input-type=module", "-e", BEGIN % expression]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


@pytest.mark.parametrize("name", NETS)
def test_logits_equal_torchs(run, name):
    model, vocabulary = NETS[name]()
    if name == "trained":
        X, _ = make_windows(load_names(), vocabulary)
        X = X[torch.randperm(len(X), generator=torch.Generator().manual_seed(0))[:1_000]]
    else:
        X = torch.randint(len(vocabulary), (200, model.context))
    got = run("given.X.map((ids) => [...staged.logits(net, ids)])", (model, vocabulary), X=X.tolist())
    with torch.no_grad():
        torch.testing.assert_close(torch.tensor(got), model(X), atol=1e-4, rtol=0)


def test_the_normal_distribution_function_is_exact_enough(run):
    x = torch.linspace(-8, 8, 2_001, dtype=torch.float64)
    got = torch.tensor(run("given.x.map(staged.normalCdf)", x=x.tolist()), dtype=torch.float64)
    torch.testing.assert_close(got, torch.special.ndtr(x), atol=1e-8, rtol=0)


def test_probabilities_equal_letter_probs(run):
    logits = 3 * torch.randn(50, 27, generator=torch.Generator().manual_seed(2))
    settings = [[t, k] for t in (0, 1e-39, 0.1, 0.7, 1, 3, 1e9) for k in (None, 1, 5, 27, 40)]
    code = "given.settings.map(([t, k]) => given.logits.map((row) => staged.probabilities(row, t, k ?? undefined)))"
    for (t, k), got in zip(settings, run(code, logits=logits.tolist(), settings=settings), strict=True):
        expected = letter_probs(logits, t, k)
        torch.testing.assert_close(
            torch.tensor(got, dtype=torch.float32), expected, atol=1e-6, rtol=0, msg=f"temperature {t}, top-k {k}"
        )


def test_of_equal_logits_the_first_is_the_likeliest(run):
    assert (
        run("[staged.probabilities([0, 2, 1, 2], 0), staged.probabilities([0, 2, 1, 2], 1, 1)]") == [[0, 1, 0, 0]] * 2
    )


@pytest.mark.parametrize(("temperature", "top_k", "start"), [(1, None, ""), (1, None, "charli"), (0.6, 4, "mar")])
def test_letters_are_drawn_as_often_as_their_probability_says(run, temperature, top_k, start):
    model, vocabulary = trained_model()
    options = {"temperature": temperature, "seed": 7, "start": start, "maxLength": len(start) + 1}
    options |= {"topK": top_k} if top_k else {}
    n = 20_000
    drawn = [name[len(start) :] or "." for name in run("staged.sample(net, given.n, given.o)", n=n, o=options)]
    with torch.no_grad():
        probs = letter_probs(model(torch.tensor([vocabulary.encode(start.rjust(8, "."))])), temperature, top_k)[0]
    for letter, p in zip(vocabulary.letters, probs.tolist(), strict=True):
        assert abs(drawn.count(letter) - n * p) <= 4 * math.sqrt(n * p * (1 - p)), letter


def test_names_are_those_of_the_seed(run):
    one, again, other = run("[1, 1, 2].map((seed) => staged.sample(net, 200, { seed }))")
    assert one == again and len(set(one) & set(other)) < 100
    assert sorted(map(len, one))[100] in range(4, 9)


@torch.no_grad()
def test_at_temperature_0_each_letter_is_the_likeliest(run):
    model, vocabulary = trained_model()
    assert set(run("staged.sample(net, 3, { temperature: 0 })")) == {*sample_names(model, vocabulary, 1, temperature=0)}
    (name,) = run('staged.sample(net, 1, { temperature: 0, start: "zo" })')
    X, _ = make_windows([name], vocabulary)
    assert name.startswith("zo") and vocabulary.decode(model(X).argmax(dim=1)[2:]) == name[2:] + "."


def test_long_names_are_cut(run):
    model, vocabulary = own_net(True, context=4, embedding=4, hidden=4)
    model.head.bias.data[0] = -100
    names = run('staged.sample(net, 5, { start: "ë", maxLength: 30 })', (model, vocabulary))
    assert {len(name) for name in names} == {30} and {name[0] for name in names} == {"ë"}


def test_a_names_probabilities_multiply_to_name_log_prob(run):
    lists = run("given.names.map((name) => staged.nameProbabilities(net, name))", names=NAMES)
    for name, got in zip(NAMES, lists, strict=True):
        assert len(got) == len(name) + 1
        assert sum(map(math.log, got)) == pytest.approx(name_log_prob(*trained_model(), name), abs=1e-4)


def test_names_with_letters_of_four_bytes(run):
    net = own_net(True, context=4, embedding=4, hidden=4)
    got = run("staged.nameProbabilities(net, given.name)", net, name="o\U00010428ë")
    assert sum(map(math.log, got)) == pytest.approx(name_log_prob(*net, "o\U00010428ë"), abs=1e-4)


def test_texts_are_spelled_as_the_net_has_learned_them(run):
    got = run('[" Charlie", "ZOE\\u0308", "A-b"].map((text) => figure.spelled(net, text))')
    assert got == ["charlie", "zoë", "a-b"]
    assert run('staged.unknownLetters(net, "zoë-a.ë")') == ["ë", "-", "."]
    said = run('figure.lacking(net, ["ë", "-"])')
    assert said == f"The net has not learned “ë”, “-”. It knows {' '.join('abcdefghijklmnopqrstuvwxyz')}."


def test_numbers_are_written_to_two_digits(run):
    values = [-0.1, -3.3, -9.9, -20.2]
    assert run("given.x.map(figure.oneIn)", x=values)[1:] == [*map(_one_in, values[1:])]
    assert run("[-0.1, -60].map(figure.oneIn)") == ["1 in 1.1", "1 in 1.1 × 10²⁶"]
    assert run("[1, 0.996, 0.324, 0.0099, 0.0005, 0].map(figure.percent)") == ["100", "100", "32", "1.0", "<0.1", "0"]


def test_a_broken_file_is_refused(run):
    for cut in ("0, 2", "0, 500", "0, -4", "0, 40"):
        code = f'(() => {{ try {{ staged.load(fs.readFileSync("net.bin").subarray({cut})); }} catch (e) {{ return e.message; }} }})()'
        assert "bytes" in run(code), cut


def test_the_trained_net_is_small_enough():
    assert len(lib.live.weights(*trained_model())) < 320_000


def test_other_nets_are_refused():
    vocabulary = Vocabulary(["abc"])
    others = [flat_model(4), staged_model(4), WaveNet(4, 8, (1, 2)), nn.Linear(2, 2)]
    for model in others:
        with pytest.raises(ValueError, match="staged nets with GELU only; got"):
            lib.live.weights(model, vocabulary)
    with pytest.raises(ValueError, match="needs the vocabulary"):
        lib.live.net(model=staged_model(4, activation=nn.GELU))
    with pytest.raises(ValueError, match="made for 5 characters, and the vocabulary has 4"):
        lib.live.weights(staged_model(5, activation=nn.GELU), vocabulary)


def test_the_figure_has_a_still_of_the_same_state():
    figure = lib.live.net()
    assert figure.data == {"weights": lib.live.weights(*trained_model()), "start": "charli"}
    bundle = figure._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBOR") and "e 32 %" in bundle["text/plain"]
    # Where the site puts the live figure; it fetches the weights itself.
    assert 'data-figure="net" data-data="{&quot;start&quot;: &quot;charli&quot;}"><figure' in bundle["text/html"]
    vocabulary = Vocabulary(["zoë"])
    model = staged_model(4, embedding=4, hidden=4, activation=nn.GELU).train()
    figure = lib.live.net("zoxë", model, vocabulary)
    assert figure.data["start"] == "zoë" and model.training
