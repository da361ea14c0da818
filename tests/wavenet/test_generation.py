"""Tests of lib.wavenet.generation."""

import copy
import math

import pytest
import torch

from lib.data import Vocabulary, load_names
from lib.sampling import letter_probs, name_log_prob, sample_names
from lib.wavenet import (
    NaiveGeneration,
    OnWindows,
    Queues,
    TreeTaps,
    generate,
    generate_names,
    staged_to_dilated,
)
from tests.wavenet.nets import SHAPES, VOCABULARY, make_net, seeded, some_ids, stages


@pytest.mark.parametrize(
    ("dilations", "blocks", "kernel_size", "B"), [(*shape, 3) for shape in SHAPES] + [(*SHAPES[0], 1)]
)
def test_queues_equal_naive_generation(dilations, blocks, kernel_size, B):
    net = make_net(dilations, blocks, kernel_size, conditions=2, embedding=3 if blocks == 2 else None)
    condition = torch.arange(B) % 2
    memories = [
        Queues(net, B, condition),
        NaiveGeneration(net, B, condition),
        NaiveGeneration(net, B, condition, tree=True),
    ]
    for start in (None, some_ids(B, net.receptive_field + 7)):
        if start is not None:
            filled = [memory.fill(start) for memory in memories]
            assert all(torch.equal(a, memory.logits) for a, memory in zip(filled, memories, strict=True))
        drawn, ids = seeded(), torch.zeros(B, net.receptive_field, dtype=torch.int64) if start is None else start
        for _ in range(2 * net.receptive_field + 2):
            expected = net(ids, condition)[:, -1]
            for memory in memories:
                torch.testing.assert_close(memory.logits, expected, rtol=1e-5, atol=1e-5)
            new = torch.multinomial(expected.softmax(1), 1, generator=drawn).squeeze(1)
            ids = torch.cat([ids, new[:, None]], dim=1)
            for memory in memories:
                assert memory.step(new) is memory.logits


@pytest.mark.parametrize(
    ("make", "temperature", "top_k"),
    [(Queues, 1.0, None), (Queues, 0.5, 3), (NaiveGeneration, 0.5, 3), (Queues, 0, None)],
)
def test_generate_equals_a_loop_by_hand(make, temperature, top_k):
    net, drawn = make_net((1, 3), 2, 3), seeded()
    ids = torch.zeros(4, net.receptive_field, dtype=torch.int64)
    for _ in range(40):
        probs = letter_probs(net(ids)[:, -1], temperature, top_k)
        ids = torch.cat([ids, torch.multinomial(probs, num_samples=1, generator=drawn)], dim=1)
    settings = {"temperature": temperature, "top_k": top_k}
    memory, drawn = make(net, 4), seeded()
    actual = torch.cat([generate(memory, steps, **settings, generator=drawn) for steps in (15, 0, 25)], dim=1)
    assert actual.dtype == torch.int64 and torch.equal(actual, ids[:, net.receptive_field :])
    assert temperature == 0 or not torch.equal(actual, generate(make(net, 4), 40, **settings, generator=seeded(1)))


def test_restored_generation_equals_uninterrupted_generation(tmp_path):
    net = make_net((3, 1), 2, conditions=2)
    condition = torch.tensor([0, 1, 1])
    whole = generate(Queues(net, 3, condition), 40, generator=seeded())
    first, drawn = Queues(net, 3, condition), seeded()
    beginning = generate(first, 17, generator=drawn)
    torch.save({"memory": first.state_dict(), "drawn": drawn.get_state()}, tmp_path / "state.pt")
    state = first.state_dict()
    saved = copy.deepcopy(state)
    assert torch.equal(torch.cat([beginning, generate(first, 23, generator=drawn)], 1), whole)
    for name in ("logits", "condition"):
        assert torch.equal(state[name], saved[name])
    assert all(torch.equal(a, b) for a, b in zip(state["queues"], saved["queues"], strict=True)), (
        "the state changed with its queues"
    )

    loaded = torch.load(tmp_path / "state.pt", weights_only=True)
    second, drawn = Queues(net, 1, torch.tensor([1])), seeded(5)
    second.load_state_dict(loaded["memory"])
    drawn.set_state(loaded["drawn"])
    assert torch.equal(torch.cat([beginning, generate(second, 23, generator=drawn)], 1), whole)

    def some_steps():
        second.load_state_dict(loaded["memory"])
        return torch.stack([second.step(new) for new in some_ids(8, 3)])

    assert torch.equal(some_steps(), some_steps()), "a state can be loaded only once"


def test_queues_have_constant_size_and_memory():
    net = make_net((1, 3), kernel_size=3)
    memory = Queues(net, 2)
    pointers = [queue.data_ptr() for queue in memory.queues.values()]
    generate(memory, 30)
    assert [tuple(queue.shape) for queue in memory.queues.values()] == [(2, 2, 6), (6, 2, 6)]
    assert [queue.data_ptr() for queue in memory.queues.values()] == pointers
    assert all(queue.is_contiguous() for queue in memory.queues.values()), "a view keeps a larger tensor alive"


@pytest.mark.parametrize("after", range(1, 5))
def test_state_restores_at_any_step(after):
    net, ids = make_net((1, 2, 4)), some_ids(14, 2)
    queues, resumed = Queues(net, 2), Queues(net, 2)
    for new in ids[:after]:
        queues.step(new)
    resumed.load_state_dict(queues.state_dict())
    for new in ids[after:]:
        torch.testing.assert_close(resumed.step(new), queues.step(new))


def test_queues_reject_the_state_of_another_net():
    with pytest.raises(ValueError, match=r"another net: expected .*\[\(3, 6\), .* got \[\(1, 6\), \(2, 6\)\]"):
        Queues(make_net((3, 1))).load_state_dict(Queues(make_net((1, 2))).state_dict())


@pytest.mark.parametrize("make", [Queues, NaiveGeneration])
def test_keep_continues_only_the_kept_rows(make):
    net = make_net(conditions=2)
    every, some = (make(net, 4, torch.tensor([0, 1, 0, 1])) for _ in range(2))
    for memory in (every, some):
        memory.fill(some_ids(4, 9))
    some.keep(torch.tensor([False, True, True, False]))
    for new in some_ids(10, 4):
        torch.testing.assert_close(some.step(new[1:3]), every.step(new)[1:3])


def test_generation_runs_in_eval_mode_without_gradients_and_restores_the_mode():
    net = staged_to_dilated(stages(2, 2, 2, residual=True))
    expected = generate(Queues(net, 3), 20, generator=seeded())
    buffers = copy.deepcopy(net.state_dict())
    for train_all in (True, False):
        net.train(train_all)[2].train()
        modes = [module.training for module in net.modules()]
        for make in (Queues, NaiveGeneration):
            memory = make(net, 3)
            assert torch.equal(generate(memory, 20, generator=seeded()), expected)
            assert not memory.logits.requires_grad
        assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(buffers[name], value) for name, value in net.state_dict().items())


@pytest.mark.parametrize("make", [Queues, NaiveGeneration])
def test_single_steps_run_in_eval_mode(make):
    net, new = staged_to_dilated(stages(2, 2, 2)), some_ids(3, 1)[:, 0]
    expected, buffers = make(net, 3).step(new), copy.deepcopy(net.state_dict())
    torch.testing.assert_close(make(net.train(), 3).step(new), expected)
    assert all(module.training for module in net.modules())
    assert all(torch.equal(buffers[name], value) for name, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("settings", "condition"), [({}, None), ({}, 1), ({"temperature": 0.5, "top_k": 3}, 1), ({"max_length": 4}, None)]
)
def test_generated_names_equal_sampled_names(settings, condition, monkeypatch):
    monkeypatch.setattr("lib.wavenet.generation.CHUNK", 20)
    monkeypatch.setattr("lib.sampling.CHUNK", 20)
    vocabulary = Vocabulary(load_names())
    net = make_net((1, 2, 4, 8), conditions=0 if condition is None else 2)
    names = generate_names(net, vocabulary, 50, **settings, generator=seeded(), condition=condition)
    assert names == sample_names(OnWindows(net, condition), vocabulary, 50, **settings, generator=seeded())
    assert len(names) == 50 and len(set(names)) > 20
    if condition is None:
        assert names == sample_names(net, vocabulary, 50, **settings, generator=seeded())
        assert name_log_prob(net, vocabulary, "emma") == name_log_prob(OnWindows(net), vocabulary, "emma")
    assert generate_names(net, vocabulary, 0, condition=condition) == []


def test_generation_works_without_a_vocabulary():
    """Sound: 256 levels, one long sequence that continues a prompt."""
    net = make_net((1, 2, 4, 8), vocabulary_size=256)
    memory = Queues(net)
    memory.fill(some_ids(1, 100, size=256))
    sound = generate(memory, 200, generator=seeded())
    assert sound.shape == (1, 200) and int(sound.max()) > 128
    before = torch.get_rng_state()
    generate(memory, 5, generator=seeded())
    assert torch.equal(torch.get_rng_state(), before)
    assert generate(memory, 0).shape == (1, 0)


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"temperature": math.inf}, {"top_k": 0}])
def test_generation_rejects_settings_out_of_range(wrong):
    for make in (
        lambda: generate(Queues(make_net()), 3, **wrong),
        lambda: generate_names(make_net(), VOCABULARY, 3, **wrong),
    ):
        with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
            make()
    with pytest.raises(ValueError, match="max_length"):
        generate_names(make_net(), VOCABULARY, 3, max_length=0)
    with pytest.raises(ValueError, match="-1"):
        generate_names(make_net(), VOCABULARY, -1)
    with pytest.raises(ValueError, match="-2"):
        generate(Queues(make_net()), -2)


@pytest.mark.parametrize(("kernel_size", "dilations", "work"), [(2, (1, 2, 4), 7), (2, (1, 1, 1), 6), (3, (1, 3), 4)])
def test_tree_computes_only_what_the_last_output_needs(kernel_size, dilations, work):
    net = make_net(dilations, kernel_size=kernel_size, residual=True)
    OnWindows(net, tree=True)(some_ids(1, net.receptive_field))
    assert sum(layer.conv.out.shape[1] for layer in net.layers) == work
    assert isinstance(OnWindows(net, tree=True).taps, TreeTaps)
