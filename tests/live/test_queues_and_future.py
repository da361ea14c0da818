"""The live figures of lessons 09 and 10: against lib, torch and torch's count, and by keyboard and mouse."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from lib.checkpoints import load_model
from lib.data import DATA
from lib.live import leaks
from lib.wavenet import NaiveGeneration, Queues, WaveNet
from tests.live import expect


@pytest.mark.parametrize("sizes", [(27, 63, 3), (27, 63, 4), (256, 64, 7), (5, 8, 1), None])
def test_multiplications_are_those_that_torch_counts(node, sizes):
    net, condition = (
        load_model(DATA / "wavenet_names.pt")[0],
        torch.tensor([0]),
    )  # the lesson's: its sizes are the default
    if sizes:
        characters, channels, layers = sizes
        net, condition = WaveNet(characters, channels, [2**i for i in range(layers)]), None
    counted = {}
    for name, generation in {"queues": Queues, "naive": NaiveGeneration}.items():
        step = generation(net, condition=condition).step
        with FlopCounterMode(display=False) as counter:
            step(torch.tensor([0]))
        counted[name] = counter.get_total_flops() // 2
    given = [[layer.conv.dilation for layer in net.layers], *([channels, characters] if sizes else [])]
    program = "[multiplications(...given.given), columns([1, 2, 4])]"  # 13 columns, as in the lesson
    assert node("queues", program, given=given) == [counted, [7, 5, 1]]


@pytest.mark.parametrize("dilations", [(1, 2, 4), (1, 2, 4, 8)])
def test_queues_hold_the_time_steps_that_lib_holds(node, dilations):
    torch.manual_seed(0)
    net = WaveNet(27, 4, dilations)
    ids, before = torch.tensor([0, 3, 8, 1, 18, 12, 9, 5]), 2 * net.receptive_field
    padded = torch.cat([torch.zeros(before, dtype=torch.int64), ids])[None]
    layers, start = [net.embedding(padded)], [before]  # the inputs of each layer, and where in them time step 0 is
    for layer, dilation in zip(net.layers[:-1], dilations, strict=False):
        layers.append(layer(layers[-1])[0])
        start.append(start[-1] - dilation)
    memory, held = Queues(net), node("queues", f"[0,1,2,3,4,5,6,7].map((t) => queuesAt(t, {list(dilations)}))")
    for time, index in enumerate(ids):
        for layer, (queue, inputs) in enumerate(zip(memory.queues.values(), layers, strict=True)):
            oldest_first = queue.roll(-(memory.time % len(queue)), dims=0)[:, 0]
            expected = inputs[0, [start[layer] + step for step in held[time][layer]]]
            torch.testing.assert_close(oldest_first, expected, msg=f"layer {layer + 1}, time step {time}")
        memory.step(index[None])


def test_page_and_torch_have_the_same_nets(node):
    text, values, layers, nets = node("future", "[TEXT, VALUES, LAYERS, NETS]")
    assert (text, values, list(nets)) == (leaks.TEXT, leaks.VALUES.tolist(), list(leaks.NETS))
    assert tuple((layer["dilation"], tuple(layer["taps"]), layer["bias"]) for layer in layers) == leaks.LAYERS


@pytest.mark.parametrize("net", leaks.NETS)
def test_outputs_are_those_of_torch(node, net):
    torch.manual_seed(0)
    for values in (leaks.VALUES, torch.randn(8, dtype=torch.float64)):
        outputs = node("future", "outputsOf(given.net, given.values)", net=net, values=values.tolist())
        torch.testing.assert_close(torch.tensor(outputs, dtype=torch.float64), leaks.outputs_of(net, values))


def test_same_is_torchs_padding():
    x = leaks.VALUES[None]
    for dilation, taps, bias in leaks.LAYERS:
        x = F.conv1d(x, torch.tensor([[taps]], dtype=x.dtype), padding="same", dilation=dilation).add(bias).tanh()
    torch.testing.assert_close(leaks.outputs_of("same", leaks.VALUES), x[0])


# How often an output sees a later token, as in the lesson.
@pytest.mark.parametrize(("net", "leaking"), [("causal", 0), ("same", 18), ("short", 7), ("batchnorm", 28)])
def test_outputs_that_change_are_those_with_a_gradient(node, net, leaking):
    shifts = [tenth / 10 for tenth in range(-10, 11) if tenth]
    seen = leaks.dependence(net) > 0
    assert seen.triu(1).sum() == leaking
    program = "VALUES.map((_, token) => given.shifts.map((shift) => moveToken(given.net, token, shift).changed))"
    for token, moves in enumerate(node("future", program, net=net, shifts=shifts)):
        expected = seen[:, token].nonzero().flatten().tolist()
        assert moves == [expected] * len(shifts), f"token {token + 1}"


def now(figure):
    """The token that goes in, and all letters in the boxes, the lowest layer first."""
    letters = figure.locator(".live-picture svg g").all_text_contents()
    return figure.locator(".live-written .live-now").inner_text(), "".join(letters)


def test_queues_by_keyboard(page, says, show):
    figure = show("queues")
    figure.get_by_role("button", name="Step").focus()
    says("Step 4 of 8: a goes in", "Enter", "Enter", "Enter")
    assert now(figure) == ("a", "ha" + "cha" + "..cha")  # what layers 1, 2, 3 keep, each with the new input
    figure.locator(".live-picture").focus()
    says("Step 5 of 8: r goes in. Layer 1 reads a, 1 step old; layer 2 reads h, 2 steps old;", "ArrowRight")
    says("layer 3 reads the stop mark, 4 steps old. What was read leaves.")
    assert now(figure) == ("r", "ar" + "har" + ".char")
    assert "with queues: 365,715" in figure.locator(".live-costs").inner_text()
    says("Step 4 of 8", "ArrowLeft")
    figure.get_by_role("combobox").focus()
    says("layer 4 reads the stop mark, 8 steps old", "ArrowDown")
    assert now(figure) == ("a", "ha" + "cha" + "..cha" + "......cha")
    figure.get_by_role("textbox", name="Name").fill("ida")
    assert now(figure) == ("a", "da" + "ida" + "..ida" + "......ida")
    for name, letters in {"": "", ". <b>9": "b", "Ida": "ida", " z.o\u0308-3 ": "zö", "x" * 99: 12 * "x"}.items():
        figure.get_by_role("textbox", name="Name").fill(name)
        assert "".join(figure.locator(".live-written span").all_inner_texts()) == f".{letters}."


def test_queues_by_mouse(page, show):
    page.clock.install()
    figure = show("queues")
    back, step, play, pause = (figure.get_by_role("button", name=name) for name in ("Back", "Step", "Play", "Pause"))
    expect(back).to_be_disabled()
    for button, milliseconds, token in [(step, 0, "c"), (step, 0, "h"), (back, 0, "c"), (play, 2_500, "a"),
                                        (pause, 5_000, "a"), (play, 20_000, "e"), (play, 0, ".")]:  # fmt: skip
        button.click()  # Play stops by itself at the end, and then begins anew
        page.clock.run_for(milliseconds)
        assert now(figure)[0] == token


def test_future_by_mouse_and_keyboard(page, says, show):
    figure = show("future")
    token, shift = (figure.get_by_role("slider", name=name) for name in ("Token", "moved by"))
    net = figure.get_by_role("combobox")
    says("Token 6 (l) moved: outputs 6, 7, 8 changed, none before it.")
    figure.locator('[data-token="2"]').click()
    says("Token 2 (c) moved: outputs 2, 3, 4, 5, 6, 7, 8 changed, none before it.")
    net.select_option("batchnorm")
    figure.locator('[data-token="8"]').click()
    says("7 of them before it: the net sees the future")
    net.select_option("causal")
    figure.locator('[data-token="6"]').click()
    net.focus()
    says("outputs 3, 4, 5, 6, 7, 8 changed, 3 of them before it: the net sees the future.", "ArrowDown")
    assert figure.locator("svg text", has_text="early").count() == 3
    token.focus()
    says("Token 5 (r) moved: outputs 2, 3, 4, 5, 6, 7, 8 changed, 3 of them", "ArrowLeft")
    figure.locator(".live-picture").focus()
    says("Token 6 (l) moved", "ArrowRight", "ArrowDown")
    assert token.input_value() == "6" and shift.get_attribute("aria-valuetext") == "+0.9"
    shift.focus()
    page.keyboard.press("Home")
    assert figure.locator("output").last.inner_text() == "−1.0"
    says("Token 6 (l) is not moved: no output changes.", *["ArrowRight"] * 10)
