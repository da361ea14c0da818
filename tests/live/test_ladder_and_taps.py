"""The live figures of lessons 02 and 07 against lib's layers."""

import base64
import json
import shutil
import subprocess

import pytest
import torch
from torch import nn

from lib import live, plots
from lib.layers import FlattenConsecutive
from lib.wavenet import CausalConv1d, dilated_receptive_field

STACKS = [(2, (1, 2, 4)), (2, (4, 2, 1)), (2, (1, 1, 1)), (2, (2, 4, 8)), (2, (7,)), (2, (1, 4)), (3, (1, 3, 9))]
STACKS += [(4, (16,) * 5), (3, (1, 2, 4)), (4, (2, 8)), (3, (16, 1, 16, 2)), (4, (1,))]


def run(name, expression):
    """The value of a JavaScript expression over a figure's functions."""
    node = shutil.which("node")
    assert node, "Node.js is not installed; the live figures' functions are tested in it."
    script = f"{live.module(name)}\nconsole.log(JSON.stringify({expression}));"
    result = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("stages", [(2, 2, 2), (4, 2), (2, 4), (8,)])
def test_the_ladder_has_the_rows_and_shapes_of_flatten_consecutive(stages):
    rows = run("ladder", f"ladderRows(lastLetters('olivia'), {list(stages)})")
    assert [["".join(box) for box in row["boxes"]] for row in rows] == plots.ladder_rows("..olivia", stages)
    x = torch.arange(8.0).view(1, 8, 1).expand(1, 8, 10)  # each number says which letter it belongs to
    for row, n in zip(rows, (None, *stages), strict=True):
        x = x if n is None else FlattenConsecutive(n)(x)
        assert row["shape"] == f"(B, {', '.join(map(str, x.shape[1:]))})"
        held = [["..olivia"[int(i)] for i in box[::10]] for box in x.view(len(row["boxes"]), -1)]
        assert held == row["boxes"]


def test_a_word_becomes_the_last_eight_letters_or_is_padded_on_the_left():
    words = ["charlie", "", "Maximilian", "Zoë", "𝒳y"]
    windows = [".charlie", "........", "ximilian", ".....zoë", "......𝒳y"]
    assert run("ladder", f"{json.dumps(words)}.map((word) => lastLetters(word).join(''))") == windows


def test_a_box_says_what_it_is_and_holds():
    rows = "ladderRows(lastLetters('c'), [2, 2, 2])"
    said = run("ladder", f"[[0, 7], [1, 0], [2, 0], [2, 1], [3, 0]].map(([row, box]) => describeBox({rows}[row], box))")
    assert said == [
        "Letter 8 of 8: c, 10 numbers. The shape of its row is (B, 8, 10).",
        "Pair 1 of 4: . ., 20 numbers. The shape of its row is (B, 4, 20).",
        "Quad 1 of 2: . . . ., 40 numbers. The shape of its row is (B, 2, 40).",
        "Quad 2 of 2: . . . c, 40 numbers. The shape of its row is (B, 2, 40).",
        "All eight: . . . . . . . c, 80 numbers. The shape of its row is (B, 80).",
    ]


@pytest.mark.parametrize(("kernel", "dilations"), STACKS)
def test_the_lit_time_steps_have_a_gradient_and_no_other_has_one(kernel, dilations):
    R = dilated_receptive_field(kernel, dilations)
    output = R + 2  # with earlier time steps, and one later, that it must not see
    rows = run("taps", f"tapRows({kernel}, {list(dilations)}, {output})")
    field = run("taps", f"receptiveField({kernel}, {list(dilations)})")
    x = torch.ones(1, output + 2, 1, requires_grad=True)
    outputs, stack = [x], nn.Sequential(*[CausalConv1d(1, 1, kernel, dilation) for dilation in dilations])
    for conv in stack:
        nn.init.ones_(conv.weight)  # all positive, so that no path cancels another
        outputs.append(conv(outputs[-1]))
    before = [x.shape[1] - one.shape[1] for one in outputs]  # time steps that a layer has no output for
    gradients = torch.autograd.grad(outputs[-1][0, output - before[-1], 0], outputs)
    for row, skipped, gradient in zip(rows, before, gradients, strict=True):
        assert row == (gradient[0, :, 0].nonzero().flatten() + skipped).tolist()
    holes = [lag for lag in range(R) if gradients[0][0, output - lag, 0] == 0]
    assert field == {"length": R, "seen": R - len(holes), "holes": holes}


def test_an_output_says_its_receptive_field_and_holes():
    stacks = "[[2, [1, 2, 4], 14], [2, [2, 4, 8], 20], [3, [2], 4], [2, [2], 2]]"
    said = run("taps", f"{stacks}.map((stack) => describeField(...stack))")
    assert said == [
        "Receptive field R = 1 + (2 − 1) · (1 + 2 + 4) = 8. The output at time step 14 can depend on time steps 7 to 14: 8 inputs seen, no holes.",
        "Receptive field R = 1 + (2 − 1) · (2 + 4 + 8) = 15. The output at time step 20 can depend on time steps 6 to 20: 8 inputs seen, 7 holes (×).",
        "Receptive field R = 1 + (3 − 1) · 2 = 5. The output at time step 4 can depend on time steps 0 to 4: 3 inputs seen, 2 holes (×).",
        "Receptive field R = 1 + (2 − 1) · 2 = 3. The output at time step 2 can depend on time steps 0 to 2: 2 inputs seen, 1 hole (×).",
    ]


def test_the_still_figures_show_what_the_live_ones_begin_with():
    ladder, taps = live.ladder("Zoe"), live.taps(3, (1, 3))
    for figure in (ladder, taps):
        data = figure._repr_mimebundle_()
        assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert ladder.data == {"word": "Zoe"} and "window .....zoe" in ladder._repr_mimebundle_()["text/plain"]
    assert taps.data == {"kernel": 3, "dilations": [1, 3]}
    assert "layer 2, dilation 3 has 8 boxes" in taps._repr_mimebundle_()["text/plain"]
    with pytest.raises(ValueError, match="kernel size and dilations must be at least 1"):
        live.taps(0)
