"""The net in the page computes what lib does: logits, probabilities, names; and the figure by keyboard and mouse."""

import base64
import math

import pytest
import torch
from torch import nn

from lib import live
from lib.data import Vocabulary, load_names, make_windows
from lib.models import flat_model, staged_model, trained_model
from lib.plots.probabilities import _one_in
from lib.sampling import letter_probs, name_log_prob, sample_names
from lib.wavenet import WaveNet


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
def run(node):
    """As `node`, with a net, and the file that it was loaded from."""

    def evaluate(expression, net=None, **given):
        given["file"] = base64.b64encode(live.weights(*(net or trained_model()))).decode()
        net = f"((file) => {{ const net = load(file); return {expression}; }})"
        return node("net", f"{net}(Buffer.from(given.file, 'base64'))", **given)

    return evaluate


@pytest.mark.parametrize("name", NETS)
def test_logits_equal_torchs(run, name):
    model, vocabulary = NETS[name]()
    if name == "trained":
        X, _ = make_windows(load_names(), vocabulary)
        X = X[:: len(X) // 1_000]
    else:
        X = torch.randint(len(vocabulary), (1_000, model.context), generator=torch.Generator().manual_seed(0))
    got = run("given.X.map((ids) => [...logits(net, ids)])", (model, vocabulary), X=X.tolist())
    with torch.no_grad():
        torch.testing.assert_close(torch.tensor(got), model(X), atol=1e-4, rtol=0)


def test_the_normal_distribution_function_is_exact_enough(node):
    x = torch.linspace(-8, 8, 2_001, dtype=torch.float64)
    got = torch.tensor(node("net", "given.x.map(normalCdf)", x=x.tolist()), dtype=torch.float64)
    torch.testing.assert_close(got, torch.special.ndtr(x), atol=1e-8, rtol=0)


def test_probabilities_equal_letter_probs(node):
    logits = 3 * torch.randn(50, 27, generator=torch.Generator().manual_seed(2))
    settings = [[t, k] for t in (0, 1e-39, 0.1, 0.7, 1, 3, 1e9) for k in (None, 1, 5, 27, 40)]
    code = "given.settings.map(([t, k]) => given.logits.map((row) => probabilities(row, t, k ?? undefined)))"
    got = torch.tensor(node("net", code, logits=logits.tolist(), settings=settings))
    expected = torch.stack([letter_probs(logits, t, k) for t, k in settings])
    torch.testing.assert_close(got, expected, atol=1e-6, rtol=0)


def test_of_equal_logits_the_first_is_the_likeliest(node):
    assert node("net", "[[0], [1, 1]].map((o) => probabilities([0, 2, 1, 2], ...o))") == [[0, 1, 0, 0]] * 2


@pytest.mark.parametrize(("temperature", "top_k", "start"), [(1, None, ""), (1, None, "charli"), (0.6, 4, "mar")])
def test_letters_are_drawn_as_often_as_their_probability_says(run, temperature, top_k, start):
    model, vocabulary = trained_model()
    n, options = 20_000, {"temperature": temperature, "seed": 7, "start": start, "maxLength": len(start) + 1}
    options |= {"topK": top_k} if top_k else {}
    drawn = [name[len(start) :] or "." for name in run("sample(net, given.n, given.o)", n=n, o=options)]
    with torch.no_grad():
        probs = letter_probs(model(torch.tensor([vocabulary.encode(start.rjust(8, "."))])), temperature, top_k)[0]
    for letter, p in zip(vocabulary.letters, probs.tolist(), strict=True):
        assert abs(drawn.count(letter) - n * p) <= 4 * math.sqrt(n * p * (1 - p)), letter


def test_names_are_those_of_the_seed(run):
    one, again, other = run("[1, 1, 2].map((seed) => sample(net, 200, { seed }))")
    assert one == again and len(set(one) & set(other)) < 100
    assert sorted(map(len, one))[100] in range(4, 9)


@torch.no_grad()
def test_at_temperature_0_each_letter_is_the_likeliest(run):
    model, vocabulary = trained_model()
    assert set(run("sample(net, 3, { temperature: 0 })")) == {*sample_names(model, vocabulary, 1, temperature=0)}
    (name,) = run('sample(net, 1, { temperature: 0, start: "zo" })')
    X, _ = make_windows([name], vocabulary)
    assert name.startswith("zo") and vocabulary.decode(model(X).argmax(dim=1)[2:]) == name[2:] + "."


def test_long_names_are_cut(run):
    model, vocabulary = own_net(True, context=4, embedding=4, hidden=4)
    model.head.bias.data[0] = -100
    names = run('sample(net, 5, { start: "ë", maxLength: 30 })', (model, vocabulary))
    assert {len(name) for name in names} == {30} and {name[0] for name in names} == {"ë"}


@pytest.mark.parametrize("net", ["trained", "16 characters"])
def test_a_names_probabilities_multiply_to_name_log_prob(run, net):
    names = ["charlie", "zoe", "bartholomew", "a", "xqzj"] if net == "trained" else ["o\U00010428ë", "ñ"]
    net = NETS[net]()
    lists = run("given.names.map((name) => nameProbabilities(net, name))", net, names=names)
    for name, got in zip(names, lists, strict=True):
        assert len(got) == len(name) + 1
        assert sum(map(math.log, got)) == pytest.approx(name_log_prob(*net, name), abs=1e-4)


def test_texts_are_spelled_as_the_net_has_learned_them(run):
    texts = {" Charlie": "charlie", "ZOE\u0308": "zoë", "A-b": "a-b"}
    assert run("given.texts.map((text) => spelled(net, text))", texts=list(texts)) == list(texts.values())
    assert run('unknownLetters(net, "zoë-a.ë")') == ["ë", "-", "."]


def test_numbers_are_written_to_two_digits(node):
    values = [-3.3, -9.9, -20.2]
    assert node("net", "given.x.map(oneIn)", x=values) == [*map(_one_in, values)]
    assert node("net", "[-0.1, -60].map(oneIn)") == ["1 in 1.1", "1 in 1.1 × 10²⁶"]
    assert node("net", "[1, 0.996, 0.324, 0.0099, 5e-4, 0].map(percent)") == ["100", "100", "32", "1.0", "<0.1", "0"]


@pytest.mark.parametrize("cut", ["0, 2", "0, 500", "0, -4", "0, 40"])
def test_a_broken_file_is_refused(run, cut):
    with pytest.raises(AssertionError, match="Error: (a|the) net's file .* bytes"):
        run(f"load(file.subarray({cut}))")


def test_other_nets_are_refused():
    vocabulary = Vocabulary(["abc"])
    for model in (flat_model(4), staged_model(4), WaveNet(4, 8, (1, 2)), nn.Linear(2, 2)):
        with pytest.raises(ValueError, match="staged nets with GELU only; got"):
            live.weights(model, vocabulary)
    with pytest.raises(ValueError, match="needs the vocabulary"):
        live.net(model=staged_model(4, activation=nn.GELU))
    with pytest.raises(ValueError, match="made for 5 characters, and the vocabulary has 4"):
        live.weights(staged_model(5, activation=nn.GELU), vocabulary)


def test_the_figure_gets_the_weights_and_what_the_net_has_learned_of_the_beginning():
    weights = live.net().data["weights"]
    assert weights == live.weights(*trained_model()) and len(weights) < 320_000
    model = staged_model(4, embedding=4, hidden=4, activation=nn.GELU).train()
    assert live.net("zoxë", model, Vocabulary(["zoë"])).data["start"] == "zoë" and model.training


@pytest.fixture
def shown(show):
    return show("net")


def test_a_beginning_by_mouse(says, shown):
    field = shown.get_by_label("A name begins with")
    says("After “charli”: e 32 %, n 18 %, end 12 %.")
    shown.get_by_role("button", name="e 32 percent").click()
    assert field.input_value() == "charlie"
    says("After “charlie”: end")
    shown.get_by_role("button", name="end ").click()
    says("Here the name ends: “charlie”.")
    field.fill("Zoë-bartholomew")
    says(f"The net has not learned “ë”, “-”. It knows {' '.join('abcdefghijklmnopqrstuvwxyz')}.")
    says("The net sees the last 8 characters, “tholomew”.")
    assert field.get_attribute("aria-invalid") == "true"


def test_a_beginning_by_keyboard(page, says, shown):
    shown.get_by_label("A name begins with").focus()
    says("After “mar”", "Control+a", *"mar")
    says("After “mar”: i 100 %. The net’s own: i", "Tab", *["ArrowLeft"] * 10)
    certain = shown.get_by_role("button", name="i 100 percent")
    page.keyboard.press("End")
    assert certain.count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert certain.count() == 1
    assert shown.get_by_label("Top-k").get_attribute("aria-valuetext") == "1"
    for key, letter in {"Tab": "end ", "ArrowRight": "a ", "End": "z ", "ArrowLeft": "y ", "Home": "end "}.items():
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(letter)
    says("After “mara”", "ArrowRight", "Enter")


def test_names_come_from_the_seed(says, shown):
    def write(heading):
        shown.get_by_role("button", name="Write 12 names").press("Enter")
        says(heading)
        return shown.get_by_role("listitem").all_inner_texts()

    first = write("Seed 1, temperature 1, all 27 characters: ")
    assert len(first) == 12 and all(name.startswith("charli") for name in first) and len(set(first)) > 3
    assert write("Seed 2, temperature 1, all 27 characters: ") != first
    shown.get_by_label("Seed").fill("1")
    assert write("Seed 1, temperature 1, all 27 characters: ") == first
    shown.get_by_label("Temperature").fill("0")
    assert {*write("Seed 1, temperature 0, all 27 characters: 1 different name.")} == {"charlie"}


def test_how_likely_a_name_is(says, shown):
    says("1 in 20,000 is “charlie”: 1.24 nats per character")
    bars = shown.get_by_role("img", name="Each character’s probability")
    assert bars.get_attribute("aria-label").endswith("c 5 %, h 24 %, a 42 %, r 35 %, l 55 %, i 26 %, e 32 %, end 70 %")
    for name, verdict in {"Zoe": "is “zoe”", "zoë": "not learned “ë”.", "x" * 40: "× 10", "": "Type a name."}.items():
        shown.get_by_label("How likely is your name?").fill(name)
        says(verdict)


def test_bars_stand_in_as_many_rows_as_the_width_asks_for(page, shown):
    shown.wait_for()
    for width, rows in {360: 3, 800: 1, 400: 2, 1280: 1}.items():
        page.set_viewport_size({"width": width, "height": 900})
        tops = "[...document.querySelectorAll('button.live-bar')].map((bar) => bar.getBoundingClientRect().top)"
        page.wait_for_function(f"new Set({tops}).size === {rows}")


def test_a_failure_is_said(page, show, faults):
    show("net", "notebook", weights=live.weights(*trained_model())[:-4])
    page.get_by_role("alert").filter(has_text="The net could not be loaded: the net's file has").wait_for()
    assert len(faults) == 1 and "expected" in faults.pop()


def test_without_weights_the_still_figure_stays(page, show, faults):
    with page.expect_event("pageerror") as error:
        show("net", folder="lost/")
    assert "lost/net.bin gave 404" in str(error.value)
    assert page.get_by_role("img", name="What the net expects after").is_visible()
    assert len(faults) == 2  # the browser's line about 404, and the error
    faults.clear()
