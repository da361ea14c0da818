"""The pure functions of the live figures of lessons 09 and 10, run by node, against lib, torch and torch's count."""

import json
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lib.checkpoints import load_model
from lib.data import DATA
from lib.live import future, leaks, queues
from lib.wavenet import NaiveGeneration, Queues, WaveNet

FOLDER = Path(__file__).resolve().parents[2] / "lib" / "live"


def node(figure, expression):
    """What an expression gives that may use all exports of a figure's module, as `figure.name`."""
    program = shutil.which("node")
    assert program, "node is not installed: the live figures' functions can't be tested without it"
    code = f'import * as figure from "{(FOLDER / f"{figure}.js").as_uri()}"; console.log(JSON.stringify({expression}));'
    done = subprocess.run([program, "--input-type=module", "-e", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def multiplications(run):
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(("characters", "channels", "layers"), [(27, 63, 3), (27, 63, 4), (256, 64, 7), (5, 8, 1)])
def test_multiplications_are_those_that_torch_counts(characters, channels, layers):
    dilations, token = [2**i for i in range(layers)], torch.zeros(1, dtype=torch.int64)
    net = WaveNet(characters, channels, dilations)
    counted = node("queues", f"figure.multiplications({dilations}, {channels}, {characters})")
    assert counted["queues"] == multiplications(partial(Queues(net).step, token))
    assert counted["naive"] == multiplications(partial(NaiveGeneration(net).step, token))


def test_multiplications_are_by_default_those_of_the_net_in_the_lesson():
    net, _ = load_model(DATA / "wavenet_names.pt")
    dilations = [layer.conv.dilation for layer in net.layers]
    girls, token = torch.tensor([0]), torch.zeros(1, dtype=torch.int64)
    counted = node("queues", f"figure.multiplications({dilations})")
    assert counted["queues"] == multiplications(partial(Queues(net, condition=girls).step, token))
    assert counted["naive"] == multiplications(partial(NaiveGeneration(net, condition=girls).step, token))


@pytest.mark.parametrize("dilations", [(1, 2, 4), (1, 2, 4, 8)])
def test_queues_hold_the_time_steps_that_lib_holds(dilations):
    torch.manual_seed(0)
    net = WaveNet(27, 4, dilations)
    ids, before = torch.tensor([0, 3, 8, 1, 18, 12, 9, 5]), 2 * net.receptive_field
    padded = torch.cat([torch.zeros(before, dtype=torch.int64), ids])[None]
    layers, start = [net.embedding(padded)], [before]  # the inputs of each layer, and where in them time step 0 is
    for layer, dilation in zip(net.layers[:-1], dilations, strict=False):
        layers.append(layer(layers[-1])[0])
        start.append(start[-1] - dilation)
    memory, held = Queues(net), node("queues", f"[0,1,2,3,4,5,6,7].map((t) => figure.queuesAt(t, {list(dilations)}))")
    for time, index in enumerate(ids):
        for layer, (queue, inputs) in enumerate(zip(memory.queues.values(), layers, strict=True)):
            oldest_first = queue.roll(-(memory.time % len(queue)), dims=0)[:, 0]
            expected = inputs[0, [start[layer] + step for step in held[time][layer]]]
            torch.testing.assert_close(oldest_first, expected, msg=f"layer {layer + 1}, time step {time}")
        memory.step(index[None])


def test_naive_generation_computes_13_columns_as_in_the_lesson():
    assert node("queues", "figure.columns([1, 2, 4])") == [7, 5, 1]


def test_a_name_becomes_letters_after_a_stop_mark():
    assert node("queues", "['Charlie', '', ' z.o\\u0308-3 ', 'x'.repeat(40)].map(figure.tokensOf)") == [
        list(".charlie"),
        ["."],
        list(".zö"),
        ["."] + 12 * ["x"],
    ]


def test_the_sentence_names_what_each_layer_reads():
    said = node("queues", "figure.saysOf(figure.tokensOf('charlie'), 4, [1, 2, 4])")
    assert "Step 5 of 8: r goes in" in said
    assert "Layer 1 reads a, 1 step old; layer 2 reads h, 2 steps old; layer 3 reads the stop mark, 4 steps old" in said


def test_page_and_torch_have_the_same_nets():
    page = node("future", "{ text: figure.TEXT, values: figure.VALUES, layers: figure.LAYERS, nets: figure.NETS }")
    assert page["text"] == leaks.TEXT
    assert page["values"] == leaks.VALUES.tolist()
    assert [(layer["dilation"], tuple(layer["taps"]), layer["bias"]) for layer in page["layers"]] == list(leaks.LAYERS)
    assert list(page["nets"]) == list(leaks.NETS)


@pytest.mark.parametrize("net", leaks.NETS)
def test_outputs_are_those_of_torch(net):
    torch.manual_seed(0)
    for values in (leaks.VALUES, torch.randn(8, dtype=torch.float64)):
        outputs = node("future", f"figure.outputsOf('{net}', {values.tolist()})")
        torch.testing.assert_close(torch.tensor(outputs, dtype=torch.float64), leaks.outputs_of(net, values))


@pytest.mark.parametrize("net", leaks.NETS)
def test_outputs_that_change_are_those_with_a_gradient(net):
    shifts = [round(0.1 * tenth, 1) for tenth in range(-10, 11) if tenth]
    seen = leaks.dependence(net) > 0
    program = f"[0,1,2,3,4,5,6,7].map((token) => {shifts}.map((s) => figure.moveToken('{net}', token, s).changed))"
    for token, moves in enumerate(node("future", program)):
        expected = seen[:, token].nonzero().flatten().tolist()
        assert moves == [expected] * len(shifts), f"token {token + 1}"


@pytest.mark.parametrize(("net", "leaking"), [("causal", 0), ("same", 18), ("short", 7), ("batchnorm", 28)])
def test_nets_leak_as_in_the_lesson(net, leaking):
    cells = node(
        "future", f"[0,1,2,3,4,5,6,7].map((i) => figure.moveToken('{net}', i, 1).changed.filter((o) => o < i).length)"
    )
    assert sum(cells) == leaking


def test_same_is_torchs_padding():
    x = leaks.VALUES[None, None]
    for dilation, taps, bias in leaks.LAYERS:
        weight = torch.tensor([[taps]], dtype=torch.float64)
        bias = torch.tensor([bias], dtype=torch.float64)
        x = torch.nn.functional.conv1d(x, weight, bias, padding="same", dilation=dilation).tanh()
    torch.testing.assert_close(
        torch.tensor(node("future", "figure.outputsOf('same', figure.VALUES)")).double(), x[0, 0]
    )


def test_the_sentence_counts_the_outputs_before_the_token():
    said = node("future", "['causal', 'same', 'short'].map((n) => figure.saysOf(5, figure.moveToken(n, 5, 1).changed))")
    assert said == [
        "Token 6 (l) moved: outputs 6, 7, 8 changed, none before it.",
        "Token 6 (l) moved: outputs 3, 4, 5, 6, 7, 8 changed, 3 of them before it: the net sees the future.",
        "Token 6 (l) moved: outputs 5, 6, 7, 8 changed, 1 of them before it: the net sees the future.",
    ]
    assert node("future", "figure.saysOf(5, figure.moveToken('batchnorm', 5, 0).changed)").endswith(
        "no output changes."
    )


@pytest.mark.parametrize(("make", "value"), [(queues, "charlie"), (queues, "bo"), (future, "batchnorm")])
def test_notebooks_get_the_figure_and_a_still(make, value):
    figure = make(value)
    assert value in figure.data.values()
    state, data = figure.get_state(), figure._repr_mimebundle_()
    assert ".live-figure" in state["_css"] and "export default" in state["_esm"]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert len(data["image/png"]) > 5_000
    assert len(data["text/plain"]) > 200


def test_an_unknown_net_is_named():
    with pytest.raises(ValueError, match="no net is named 'casual'.*causal, same, short, batchnorm"):
        future("casual")
