"""Tests of lib.sound, and of the audio stored in lesson 11."""

import base64
import csv
import hashlib
import io
import math
import re
import wave

import nbformat
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lib.data import DATA
from lib.sound import (
    DELAY,
    DILATIONS,
    ECHO,
    LEVELS,
    LOUD,
    PARTS,
    QUIET,
    RATE,
    STROKE,
    Player,
    drum_with_echo,
    entropy_floor,
    mu_law_decode,
    mu_law_encode,
    parts,
    sample_losses,
    sound_net,
    trained_sound_net,
)
from lib.training import load_checkpoint
from lib.wavenet import WaveNet, cut_sequences, evaluate_sequences

BAR = 2 * DELAY
EVIDENCE = DATA / "evidence" / "sound.csv"
samples = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20).map(torch.tensor)


def bound(x, mu):
    """The largest error of a decoded sample: half a step of the companded scale, at the slope there."""
    return (x.abs() + 1 / mu) * ((1 + mu) ** (1 / mu) - 1)


@pytest.mark.parametrize("levels", [2, 3, 16, 255, 256, 1_024])
def test_encoding_decoded_levels_is_the_identity(levels):
    ids = torch.arange(levels)
    decoded = mu_law_decode(ids, levels)
    assert decoded.is_floating_point() and decoded[[0, -1]].tolist() == pytest.approx([-1, 1], abs=1e-6)
    assert (decoded.diff() > 0).all() and torch.allclose(decoded, -decoded.flip(0), atol=1e-6)
    assert torch.equal(mu_law_encode(decoded, levels), ids)


@pytest.mark.parametrize("levels", [2, 16, 256])
@given(x=samples)
def test_mu_law_round_trip_error_is_at_most_half_a_step(levels, x):
    ids = mu_law_encode(x, levels)
    assert ids.dtype == torch.int64 and ids.shape == x.shape and ids.min() >= 0 and ids.max() < levels
    assert ((mu_law_decode(ids, levels) - x).abs() <= bound(x, levels - 1) + 1e-6).all()


def test_mu_law_follows_the_papers_formula():
    x = torch.linspace(-1, 1, 4_001, dtype=torch.float64)
    for value, level in zip(x.tolist(), mu_law_encode(x).tolist(), strict=True):
        companded = math.copysign(math.log(1 + 255 * abs(value)) / math.log(256), value)
        assert abs(level - (companded + 1) / 2 * 255) <= 0.5 + 1e-9


def test_mu_law_clips_and_rejects_bad_input():
    assert mu_law_encode(torch.tensor([-7.0, 7.0, math.inf])).tolist() == [0, 255, 255]
    assert mu_law_encode(torch.zeros(3)).tolist() == [128] * 3
    assert mu_law_decode(torch.zeros(0, dtype=torch.int64)).shape == (0,)
    with pytest.raises(ValueError, match="got NaN"):
        mu_law_encode(torch.tensor([0.0, math.nan]))
    for ids in ([0, 256], [-1, 3]):
        with pytest.raises(ValueError, match="0 to 255, .* got"):
            mu_law_decode(torch.tensor(ids))
    for attempt in (lambda: mu_law_encode(torch.zeros(2), 1), lambda: mu_law_decode(torch.tensor([0]), 1)):
        with pytest.raises(ValueError, match="at least 2 levels; got 1"):
            attempt()


def test_mu_law_rejects_integer_samples():
    for dtype in (torch.int16, torch.uint8, torch.int64, torch.bool):
        with pytest.raises(ValueError, match=f"expected floats from -1 to 1, got {dtype}"):
            mu_law_encode(torch.ones(3, dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32])
def test_mu_law_decodes_ids_of_any_integer_type(dtype):
    levels = min(torch.iinfo(dtype).max + 1, 2**20)
    ids = torch.tensor([0, levels // 3, levels // 2, levels - 1])
    assert torch.equal(mu_law_decode(ids.to(dtype), levels), mu_law_decode(ids, levels))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mu_law_is_exact_for_half_precision_samples(dtype):
    x = torch.linspace(-1, 1, 4_001).to(dtype)
    assert torch.equal(mu_law_encode(x), mu_law_encode(x.float()))


@pytest.mark.parametrize("delay", [STROKE, DELAY])
def test_the_drum_is_strokes_and_their_echoes(delay):
    x = drum_with_echo(3, seed=5, delay=delay).view(3, 2, delay)
    assert x.dtype == torch.float32
    stroke, echo = x[:, 0, :STROKE], x[:, 1, :STROKE]
    assert torch.equal(echo, ECHO * stroke) and not x[:, :, STROKE:].any()
    sizes = stroke.abs()
    assert torch.equal(sizes[0], sizes[1]) and (sizes[0].diff() < 0).all()
    assert sizes[0, 0].item() == pytest.approx(LOUD) and sizes[0, -1].item() == pytest.approx(QUIET)
    ratios = sizes[0, 1:] / sizes[0, :-1]
    assert torch.allclose(ratios, ratios[0].expand_as(ratios), atol=1e-5)  # exponential decay


def test_signs_are_fair_and_independent():
    signs = drum_with_echo(400, seed=3).view(400, BAR)[:, :STROKE].sign()
    assert signs.abs().min() == 1
    n = signs.numel()
    assert abs(signs.mean()) < 5 / n**0.5
    for lag in (1, 2, 7, 100):
        assert abs((signs[:, lag:] * signs[:, :-lag]).mean()) < 5 / n**0.5
    assert abs((signs[1:] * signs[:-1]).mean()) < 5 / n**0.5  # between strokes


def test_seed_determines_the_drum_and_the_global_generator_is_untouched():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert torch.equal(drum_with_echo(2, seed=4), drum_with_echo(2, seed=4))
    assert torch.equal(drum_with_echo(2, seed=4), drum_with_echo(3, seed=4)[: 2 * BAR])
    assert not torch.equal(drum_with_echo(2, seed=4), drum_with_echo(2, seed=5))
    assert torch.equal(torch.get_rng_state(), before)
    ids = mu_law_encode(drum_with_echo(2)).to(torch.uint8)
    assert (
        hashlib.sha256(ids.numpy().tobytes()).hexdigest()
        == "f259e05762a3791ec508dac7a3c3822b8b2bf0a509d37b0d5b22ac9ee2bd01ba"
    )


def test_the_drum_rejects_bad_input():
    with pytest.raises(ValueError, match="at least 1 stroke .* got 0 and 641"):
        drum_with_echo(0)
    with pytest.raises(ValueError, match="at least the stroke's 400 samples; got 1 and 399"):
        drum_with_echo(1, delay=STROKE - 1)


def test_parts_match_the_drum():
    x, part = drum_with_echo(3), parts(3 * BAR)
    assert PARTS == ("silence", "stroke", "echo") and part.dtype == torch.int64
    assert torch.equal(part > 0, x != 0)
    assert torch.equal((part == 1).nonzero() + DELAY, (part == 2).nonzero())
    assert (part == 1).float().view(3, BAR)[:, :STROKE].all()
    assert torch.equal(parts(1_500, delay=700)[700:1_100], torch.full((400,), 2))


def test_signs_of_the_echo_agree_with_those_641_samples_before_and_no_others():
    x = drum_with_echo(200, seed=6)
    echo = (parts(len(x)) == 2).nonzero().flatten()
    signs = x.sign()
    agree = {lag: (signs[echo[400:]] * signs[echo[400:] - lag]).mean().item() for lag in range(1, 1_000)}
    assert agree.pop(DELAY) == 1
    assert max(map(abs, agree.values())) < 5 / len(echo[400:]) ** 0.5
    assert torch.equal(x[echo], ECHO * x[echo - DELAY])


def test_entropy_floor_is_ln_2_per_sample_of_a_stroke():
    for delay in (DELAY, 700):
        part = parts(2 * delay, delay)
        assert entropy_floor(delay) == pytest.approx((part == 1).double().mean().item() * math.log(2))


def test_the_nets_differ_only_in_reach():
    nets = {reach: sound_net(reach, seed=0) for reach in DILATIONS}
    assert {reach: net.receptive_field for reach, net in nets.items()} == {"long": 1_024, "middle": 513, "short": 63}
    states = [net.state_dict() for net in nets.values()]
    assert all(torch.equal(states[0][name], state[name]) for state in states for name in states[0])
    assert nets["long"].embedding.num_embeddings == LEVELS
    assert not torch.equal(sound_net("long", seed=1).embedding.weight, nets["long"].embedding.weight)
    with pytest.raises(ValueError, match="one of long, middle, short, got 'wide'"):
        sound_net("wide")


def test_sample_losses_match_the_loss_of_chunks():
    torch.manual_seed(0)
    net = WaveNet(8, 4, (1, 2, 4))
    track = torch.randint(8, (108,), generator=torch.Generator().manual_seed(0))
    losses = sample_losses(net, track)
    assert losses.shape == (100,) and not losses.requires_grad and net.training
    assert losses.mean().item() == pytest.approx(evaluate_sequences(net, cut_sequences(track, 8, 20)), abs=1e-6)
    assert torch.allclose(sample_losses(net, track, first=30), losses[22:], atol=1e-6)
    for first in (7, 108):
        with pytest.raises(ValueError, match=f"must be from 8, .* to 107, .* got {first}"):
            sample_losses(net, track, first=first)


@pytest.mark.parametrize("name", ["long", "short"])
def test_the_stored_weights_are_read_without_running_code_and_fit(name):
    checkpoint = load_checkpoint(DATA / f"sound_{name}.pt")
    assert checkpoint["facts"] == {"steps": 1_500, "seed": 0}
    net = trained_sound_net(name)
    assert not net.training and net.receptive_field == {"long": 1_024, "short": 63}[name]
    assert all(torch.equal(weight, checkpoint["weights"][key]) for key, weight in net.state_dict().items())
    recorded = (DATA / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256((DATA / f"sound_{name}.pt").read_bytes()).hexdigest() in recorded


@pytest.mark.parametrize("name", ["long", "short"])
def test_stored_weights_reproduce_the_evidence(name):
    with open(EVIDENCE, newline="", encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["arm"] == name and row["seed"] == "0")
    held_out = mu_law_encode(drum_with_echo(41, seed=1))
    losses, part = sample_losses(trained_sound_net(name), held_out, first=BAR), parts(len(held_out))[BAR:]
    assert losses.mean().item() == pytest.approx(float(row["val"]), abs=1e-4)
    for number, what in enumerate(PARTS):
        assert losses[part == number].mean().item() == pytest.approx(float(row[what]), abs=1e-3)


def audio_of(page: str) -> wave.Wave_read:
    return wave.open(io.BytesIO(base64.b64decode(re.search(r"data:audio/wav;base64,([A-Za-z0-9+/=]+)", page)[1])), "rb")


@pytest.mark.parametrize("rate", [RATE, 16_000])
def test_a_player_plays_the_samples_at_their_own_loudness(rate):
    x = torch.tensor([0.0, 0.25, -0.5, 7.0, -7.0])
    for samples, expected in ((x, [0, 8_191, -16_383, 32_767, -32_767]), (x[:3], [0, 8_191, -16_383])):
        with audio_of(Player(samples, "Five samples, of which the last two are clipped.", rate)._repr_html_()) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, rate)
            frames = file.readframes(9)
        got = [int.from_bytes(frames[i : i + 2], "little", signed=True) for i in range(0, len(frames), 2)]
        assert got == pytest.approx(expected, abs=1)


def test_a_player_has_a_caption_before_its_controls():
    player = Player(drum_with_echo(1), 'A drum stroke and its "echo", <softer> by half.\n   Listen for the second.')
    page = player._repr_html_()
    caption = "<small>A drum stroke and its &quot;echo&quot;, &lt;softer&gt; by half. Listen for the second.</small>"
    assert 0 < page.index(caption) < page.index("<audio") and "controls" in page
    assert repr(player).startswith('Sound: A drum stroke and its "echo", <softer>')
    with pytest.raises(ValueError, match="at least 40 characters.* got 7: 'A drum.'"):
        Player(drum_with_echo(1), "A drum.")


def test_the_lesson_stores_short_sounds_with_captions():
    path = DATA.parent / "notebooks" / "11_sound.ipynb"
    notebook = nbformat.read(path, as_version=4)
    pages = [
        "".join(o.get("data", {}).get("text/html", "")) for cell in notebook.cells for o in cell.get("outputs", [])
    ]
    players = [page for page in pages if "<audio" in page]
    assert len(players) >= 8 and path.stat().st_size < 1_500_000
    for page in players:
        assert len(re.search(r"<figcaption[^>]*><small>([^<]*)</small>", page)[1]) >= 40
        with audio_of(page) as file:
            assert 0.5 * file.getframerate() < file.getnframes() <= 5 * file.getframerate()
            samples = torch.frombuffer(bytearray(file.readframes(100_000)), dtype=torch.int16) / 32_767
        assert samples.std() > 0.02 and samples.abs().max() < 1  # audible, and nothing is clipped
