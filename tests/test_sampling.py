"""Tests of lib.sampling."""

import math
from collections import Counter
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lib.data import Vocabulary, make_windows
from lib.models import staged_model, trained_model
from lib.sampling import draw_ids, letter_probs, name_log_prob, sample_names
from lib.training import Recipe, train


@pytest.fixture(scope="module")
def ab():
    """A trained net over the letters a and b: small enough to sum over all short names."""
    names = ["ab", "ba", "abba", "aab", "b", "bab"] * 50
    vocabulary = Vocabulary(names)
    torch.manual_seed(0)
    model = staged_model(3, embedding=4, hidden=8)
    recipe = Recipe("ab", batch_size=512, lr=2e-2, steps=100)  # enough to learn the context
    train(model, make_windows(names, vocabulary), recipe=recipe, progress=False)
    return model, vocabulary


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_sampled_frequencies_match_exact_probabilities(ab):
    model, vocabulary = ab
    n = 40_000
    counts = Counter(sample_names(model, vocabulary, n, generator=seeded(0)))
    short = ["".join(letters) for length in range(6) for letters in product("ab", repeat=length)]
    probs = {name: math.exp(name_log_prob(model, vocabulary, name)) for name in short}
    frequent = [name for name, p in probs.items() if n * p > 10]
    assert len(frequent) > 15 and {"ab", "abba"} < set(frequent) and probs["abba"] > 100 * probs["abab"]
    for name in frequent:
        p = probs[name]
        assert abs(counts[name] / n - p) < 5 * math.sqrt(p * (1 - p) / n), name
    assert sum(counts[name] for name in short) / n == pytest.approx(sum(probs.values()), abs=0.01)


def test_name_log_prob_is_the_sum_over_characters(ab):
    model, vocabulary = ab
    model.eval()
    context, expected = [0] * 8, 0.0
    for number in [*vocabulary.encode("abba"), 0]:
        probs = torch.softmax(model(torch.tensor([context])).double(), dim=1)
        expected += math.log(probs[0, number].item())
        context = [*context[1:], number]
    assert name_log_prob(model, vocabulary, "abba") == pytest.approx(expected, abs=1e-5)
    model.train()
    assert name_log_prob(model, vocabulary, "abba") == pytest.approx(expected, abs=1e-5)
    assert model.training


def test_name_log_prob_is_exact():
    logits = [0.1, 2.0, -1.0]
    stop, a, b = torch.log_softmax(torch.tensor(logits).double(), dim=0).tolist()
    log_prob = name_log_prob(Constant(logits, context=4), Vocabulary(["ab"]), "abba")
    assert log_prob == pytest.approx(a + b + b + a + stop, rel=1e-14)


def test_generator_state_determines_the_names(ab):
    model, vocabulary = ab
    first = sample_names(model, vocabulary, 50, generator=seeded(1))
    assert sample_names(model, vocabulary, 50, generator=seeded(1)) == first
    assert sample_names(model, vocabulary, 50, generator=seeded(2)) != first
    before = torch.get_rng_state()
    sample_names(model, vocabulary, 5, generator=seeded(1))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(3)
    global_first = sample_names(model, vocabulary, 50)
    torch.manual_seed(3)
    assert sample_names(model, vocabulary, 50) == global_first


def test_sampling_runs_in_eval_mode_and_restores_the_mode(ab):
    model, vocabulary = ab
    expected = sample_names(model.eval(), vocabulary, 50, generator=seeded(1))
    without_tables = nn.Sequential(model.train())
    assert sample_names(without_tables, vocabulary, 50, generator=seeded(1)) == expected and model.training
    model.eval()
    assert not model.training
    model.train()
    model.stage2.eval()
    modes = [module.training for module in model.modules()]
    buffers = [b.clone() for b in model.buffers()]
    assert sample_names(model, vocabulary, 50, generator=seeded(1)) == expected
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(a, b) for a, b in zip(buffers, model.buffers(), strict=True))


def test_temperature_zero_is_greedy_and_the_limit_of_small_temperatures(ab):
    model, vocabulary = ab
    greedy = sample_names(model, vocabulary, 20, temperature=0)
    assert len(set(greedy)) == 1
    for temperature in (1e-5, 1e-30, 1e-40, 1e-50, 5e-324):
        assert sample_names(model, vocabulary, 20, temperature=temperature) == greedy
    assert sample_names(model, vocabulary, 20, top_k=1) == greedy


class Constant(nn.Module):
    """A net with constant logits that rejects another context and calls that record gradients."""

    def __init__(self, logits, context=8):
        super().__init__()
        self.logits, self.context = nn.Parameter(torch.tensor(logits)), context

    def forward(self, x):
        assert x.shape[1] == self.context and not torch.is_grad_enabled()
        return self.logits.expand(len(x), -1)


class Table(nn.Module):
    """A net with separate random logits for every context of a, b and the stop mark; few names end early."""

    def __init__(self, context):
        super().__init__()
        self.context, self.place_values = context, 3 ** torch.arange(context)
        logits = 2 * torch.randn(3**context, 3, generator=seeded(0))
        logits[:, 0] = -2
        self.logits = nn.Embedding.from_pretrained(logits)

    def forward(self, x):
        return self.logits(x @ self.place_values)  # (B, 3)


def plain_loop(model, vocabulary, n, generator, max_length):
    """`sample_names` without its optimisation: the net runs for every character of every name."""
    written = [[] for _ in range(n)]  # ids
    for _ in range(max_length):
        running = [ids for ids in written if ids[-1:] != [0]]
        if not running:
            break
        contexts = [([0] * model.context + ids)[-model.context :] for ids in running]
        logits = torch.cat([model(torch.tensor([context])) for context in contexts])
        drawn = torch.multinomial(torch.softmax(logits, dim=1), num_samples=1, generator=generator)
        for ids, number in zip(running, drawn.flatten().tolist(), strict=True):
            ids.append(number)
    return [vocabulary.decode(ids).removesuffix(".") for ids in written]


@pytest.mark.parametrize(("context", "max_length"), [(1, 30), (2, 64), (3, 64), (8, 5), (8, 30)])
def test_names_equal_those_of_a_plain_loop(context, max_length):
    model, vocabulary = Table(context), Vocabulary(["ab"])
    expected = plain_loop(model, vocabulary, 200, seeded(2), max_length)
    assert max(map(len, expected)) > min(context, max_length - 1), "no name exceeds the context"
    assert sample_names(model, vocabulary, 200, generator=seeded(2), max_length=max_length) == expected


def test_the_net_runs_once_per_distinct_prefix():
    model, inputs = Table(3), []
    model.register_forward_pre_hook(lambda _, given: inputs.append(given[0].tolist()))
    sample_names(model, Vocabulary(["ab"]), 500, generator=seeded(0))
    assert [len(contexts) for contexts in inputs[:3]] == [1, 2, 4]
    assert len(inputs[3]) == len(set(map(tuple, inputs[3]))) < 9


def test_names_end_at_max_length_and_contain_no_padding():
    vocabulary = Vocabulary(["ab"])
    assert sample_names(Constant([-math.inf, 0.0, 0.0]), vocabulary, 3, max_length=10, temperature=0) == ["a" * 10] * 3
    assert all(len(name) == 64 for name in sample_names(Constant([-1e9, 0.0, 0.0]), vocabulary, 3))
    names = sample_names(Constant([0.0, 0.0, 0.0], context=4), vocabulary, 2_000, generator=seeded(0))
    assert set("".join(names)) == {"a", "b"}
    assert abs(sum(name == "" for name in names) / 2_000 - 1 / 3) < 0.05
    assert len(names) == 2_000


def test_chunks_join_to_one_list(monkeypatch):
    monkeypatch.setattr("lib.sampling.CHUNK", 7)
    assert len(sample_names(Constant([0.0, 0.0, 0.0]), Vocabulary(["ab"]), 40)) == 40
    assert sample_names(Constant([0.0, 0.0, 0.0]), Vocabulary(["ab"]), 0) == []


def test_letter_probs_divides_logits_by_the_temperature_and_keeps_the_top_k():
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, -1.0]])
    torch.testing.assert_close(letter_probs(logits, 0.5), torch.softmax(2 * logits, dim=1))
    torch.testing.assert_close(letter_probs(logits, 2.0), torch.softmax(logits / 2, dim=1))
    assert (letter_probs(logits, top_k=2) > 0).sum(1).tolist() == [2, 2]
    assert letter_probs(logits, top_k=2)[0, 0] == 0
    assert (letter_probs(logits, top_k=1) > 0).sum(1).tolist() == [1, 1]  # one of equal logits
    torch.testing.assert_close(letter_probs(logits, top_k=9), torch.softmax(logits, dim=1))
    torch.testing.assert_close(letter_probs(logits, top_k=2).sum(1), torch.ones(2))
    assert (
        letter_probs(logits.bfloat16()).dtype == torch.float32 and letter_probs(logits.double()).dtype == torch.float64
    )


@pytest.mark.parametrize("temperature", [1e-50, 2e-38, 1e-30])
def test_no_temperature_overflows(temperature):
    probs = letter_probs(torch.tensor([[1e3, 999.0, -1e3]]), temperature)
    assert torch.equal(probs, torch.tensor([[1.0, 0.0, 0.0]]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1.0},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"top_k": 0},
        {"n": -1},
        {"max_length": 0},
    ],
)
def test_rejects_settings_out_of_range(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        sample_names(Constant([0.0, 0.0, 0.0]), Vocabulary(["ab"]), **{"n": 1, **wrong})
    with pytest.raises(ValueError, match=r"'A'"):
        name_log_prob(Constant([0.0, 0.0, 0.0]), Vocabulary(["ab"]), "Ab")


def test_rejects_nets_that_do_not_fit():
    vocabulary = Vocabulary(["ab"])
    with pytest.raises(ValueError, match="logits for 4 characters, and the vocabulary has 3"):
        sample_names(Constant([0.0] * 4), vocabulary, 1)
    for use in (sample_names, lambda *given: name_log_prob(*given[:2], "ab")):
        with pytest.raises(ValueError, match="made for 27 characters, and the vocabulary has 3"):
            use(staged_model(27, hidden=4), vocabulary, 1)
        with pytest.raises(ValueError, match="weights are NaN in logits"):
            use(Constant([math.nan] * 3), vocabulary, 1)
    with pytest.raises(ValueError, match="logits are NaN"):
        letter_probs(torch.tensor([[0.0, math.nan]]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(st.integers(0, 10_000), st.integers(1, 200), st.integers(1, 40), st.booleans())
def test_draw_ids_is_torchs_multinomial(dtype, seed, rows, V, own):
    torch.manual_seed(seed)
    probs = torch.softmax(3 * torch.randn(rows, V, dtype=dtype), 1) * (torch.rand(rows, V) < 0.8)
    probs[:, 0] += 0.01
    drawn = []
    for draw in (draw_ids, lambda probs, generator: torch.multinomial(probs, 1, generator=generator)[:, 0]):
        generator = torch.Generator().manual_seed(seed + 1) if own else None
        torch.manual_seed(seed)
        drawn.append(draw(probs, generator))
    assert torch.equal(*drawn)


def test_what_other_nets_keep_can_be_learned_from():
    model, vocabulary = trained_model()
    model.head.register_forward_hook(lambda head, x, out: setattr(head, "kept", out))
    sample_names(model, vocabulary, 1)
    assert not model.head.kept.is_inference()
