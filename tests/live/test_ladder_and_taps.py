"""The live figures of lessons 02 and 07: against lib's layers, and by keyboard, mouse and finger."""

import pytest
import torch
from torch import nn

from lib import plots
from lib.layers import FlattenConsecutive
from lib.wavenet import CausalConv1d, dilated_receptive_field
from tests.live import expect

STACKS = [(2, (1, 2, 4)), (2, (4, 2, 1)), (2, (1, 1, 1)), (2, (2, 4, 8)), (2, (7,)), (2, (1, 4)), (3, (1, 3, 9))]
STACKS += [(4, (16,) * 5), (3, (1, 2, 4)), (4, (2, 8)), (3, (16, 1, 16, 2)), (4, (1,))]
LIT = "(path) => (document.querySelector(`.live-tap-${path}`).getAttribute('d').match(/M/g) ?? []).length"
a_phone = pytest.mark.browser_context_args(has_touch=True, viewport={"width": 360, "height": 640})


@pytest.mark.parametrize("stages", [(2, 2, 2), (4, 2), (2, 4), (8,)])
def test_the_ladder_has_the_rows_and_shapes_of_flatten_consecutive(node, stages):
    rows = node("ladder", "ladderRows(lastLetters('olivia'), given.stages)", stages=stages)
    assert [["".join(box) for box in row["boxes"]] for row in rows] == plots.ladder_rows("..olivia", stages)
    x = torch.arange(8.0).view(1, 8, 1).expand(1, 8, 10)  # each number says which letter it belongs to
    for row, n in zip(rows, (None, *stages), strict=True):
        x = x if n is None else FlattenConsecutive(n)(x)
        assert row["shape"] == f"(B, {', '.join(map(str, x.shape[1:]))})"
        assert row["boxes"] == [["..olivia"[int(i)] for i in box[::10]] for box in x.view(len(row["boxes"]), -1)]


def test_a_word_becomes_the_last_eight_letters_or_is_padded_on_the_left(node):
    words = ["charlie", "", "Maximilian", "Zoë", "𝒳y"]
    windows = [".charlie", "........", "ximilian", ".....zoë", "......𝒳y"]
    assert node("ladder", "given.words.map((word) => lastLetters(word).join(''))", words=words) == windows


@pytest.mark.parametrize("stack", STACKS)
def test_the_lit_time_steps_have_a_gradient_and_no_other_has_one(node, stack):
    kernel, dilations = stack
    R = dilated_receptive_field(kernel, dilations)
    output = R + 2  # with earlier time steps, and one later, that it must not see
    program = "[receptiveField(...given.stack), tapRows(...given.stack, given.output)]"
    field, rows = node("taps", program, stack=stack, output=output)
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


def test_the_ladder_by_keyboard(page, says, show):
    figure = show("ladder")
    says("Quad 1 of 2: . c h a, 40 numbers. The shape of its row is (B, 2, 40).")
    says("Quad 1 of 2: . . o l", "Tab", "Control+A", *"Olivia")
    says("Quad 1 of 2: . . o l", "Tab", "ArrowDown")
    expect(figure.get_by_label("Stages")).to_have_value("4 · 2")
    assert figure.locator(".live-shape").all_text_contents() == ["(B, 8, 10)", "(B, 2, 40)", "(B, 80)"]
    says("Quad 2 of 2: i v i a", "Tab", "ArrowRight")
    says("All eight: . . o l i v i a, 80 numbers. The shape of its row is (B, 80).", "ArrowUp")
    says("Quad 1 of 2", "Home", "ArrowDown")
    says("Letter 1 of 8: ., 10", "ArrowDown")
    says("Letter 8 of 8: a, 10 numbers. The shape of its row is (B, 8, 10).", "End")
    says("Quad 2 of 2: i v i a, 40", "ArrowUp")
    assert figure.locator(".live-lit .live-on-colour").all_text_contents() == [*"ivia", *"ivia"]


@a_phone
def test_the_ladder_by_mouse_and_finger(says, show):
    figure = show("ladder")
    figure.locator(".live-on-colour", has_text="e").first.hover()  # in the lowest row
    says("Letter 8 of 8: e")
    figure.locator(".live-box").nth(9).tap(force=True)  # behind eight letters and a pair
    says("Pair 2 of 4: h a, 20 numbers. The shape of its row is (B, 4, 20).")


def test_who_meets_whom_by_keyboard(page, says, show):
    figure = show("taps")
    says("4) = 8. The output at time step 14 can depend on time steps 7 to 14: 8 inputs seen, no holes.")
    assert [page.evaluate(LIT, name) for name in ("seen", "holes", "lit-nodes", "lit-lines")] == [8, 0, 7, 14]
    says("Receptive field R = 1 + (3 − 1) · (1 + 2 + 4) = 15", "Tab", "ArrowDown")
    says("at time step 21 can depend on time steps 7 to 21: 8 inputs seen, 7 holes (×).", "ArrowUp", "Tab", "2")
    assert [page.evaluate(LIT, name) for name in ("seen", "lit-nodes")] == [8, 7]  # 2 chose the example 2, 4, 8
    says("R = 1 + (2 − 1) · (2 + 4 + 8 + 16 + 16) = 47", "Tab", "End")
    expect(figure.get_by_label("Dilations")).to_have_value("my own")
    says("· 2 = 3. The output at time step 9 can depend on time steps 7 to 9: 2 inputs seen, 1 hole (×).", "Home")
    says("R = 1 + (2 − 1) · (1 + 4) = 6. The output at time step 12 can", "ArrowDown", "Tab", "ArrowUp")
    says("can depend on time steps 7 to 12: 4 inputs seen, 2 holes")
    page.get_by_role("application").focus()
    says("step 11 ", "ArrowLeft")
    says("step 5 can depend on time steps 0 to 5", "Home")
    says("step 12 ", "End")


@a_phone
def test_who_meets_whom_by_mouse_and_finger(page, says, show):
    figure = show("taps")
    says("time step 14")
    box = figure.locator(".live-picture svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 9.5 / 15, box["y"] + 20)
    says("time step 9 can depend on time steps 2 to 9")
    page.touchscreen.tap(box["x"] + 2, box["y"] + 20)  # where no output is: the nearest
    says("time step 7 can depend on time steps 0 to 7")
