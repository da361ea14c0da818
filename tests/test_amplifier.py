"""Tests of lib.amplifier, and of what lesson 11 says that its nets learn."""

import csv
import math
import re

import nbformat
import pytest
import torch

from lib.amplifier import (
    ECHO_DELAY,
    ODE,
    PERIODS,
    AmpNet,
    amp_net,
    amplify,
    decibels,
    error_ratio,
    memoryless,
    play,
    pluck,
    practise,
    through,
)
from lib.data import DATA
from lib.sound import DILATIONS, RATE

EVIDENCE = DATA / "evidence" / "amplifier.csv"
TUNE = play("C E3/2 G/2 c")
seeded = lambda seed=0: torch.Generator().manual_seed(seed)


def pitch(wave):
    """The frequency of the strongest partial, to a fraction of a hertz."""
    spectrum = torch.fft.rfft(wave * torch.hann_window(len(wave)), 2**18).abs()
    return spectrum.argmax().item() * RATE / 2**18


@pytest.mark.parametrize("period", [30, 60, 80])
def test_a_string_sounds_at_its_pitch_and_dies_away_high_frequencies_first(period):
    wave = pluck(period, 8_000, seeded())
    partial = pitch(wave) * (period + 0.5) / RATE
    assert wave.shape == (8_000,) and abs(partial - round(partial)) < 0.02 and round(partial) >= 1
    rms = lambda part: part.square().mean().sqrt()
    brightness = lambda part: rms(part.diff()) / rms(part)
    assert rms(wave[-2_000:]) < 0.5 * rms(wave[:2_000]) and brightness(wave[-2_000:]) < 0.5 * brightness(wave[:2_000])


def test_notes_have_the_ratios_of_just_intonation():
    periods = {name: period + 0.5 for name, period in PERIODS.items()}
    for name, ratio in {"G,": 3 / 4, "D": 9 / 8, "E": 5 / 4, "F": 4 / 3, "G": 3 / 2, "A": 5 / 3, "c": 2}.items():
        cents = 1_200 * math.log2(periods["C"] / periods[name] / ratio)
        assert abs(cents) < 15, name


def test_a_tune_lasts_its_beats_and_is_loud_but_not_clipped():
    assert len(TUNE) == 4 * 2_400 + 0 and TUNE.abs().max().item() == pytest.approx(0.9)
    assert (
        len(play(ODE)) == 16 * 2_400 and torch.equal(play(ODE), play(ODE)) and not torch.equal(play(ODE), play(ODE, 1))
    )
    for note in ("H", "C4/", "g", "C,"):
        with pytest.raises(ValueError, match=f"play expected notes .* got '{note}'"):
            play(f"C {note} D")


def test_practice_is_repeatable_and_of_its_length():
    assert len(practise(2)) == 2 * RATE and torch.equal(practise(2), practise(2))
    assert not torch.equal(practise(2), practise(2, seed=1)) and practise(2).abs().max().item() == pytest.approx(0.9)


def test_the_amplifier_is_causal_silent_after_silence_and_not_clipped():
    sound = amplify(TUNE)
    changed = TUNE.clone()
    changed[5_000] += 0.3
    differs = (amplify(changed) != sound).nonzero().flatten()
    assert differs[0] == 5_000 and len(sound) == len(TUNE)
    assert not amplify(torch.zeros(900)).any()
    for wave in (play(ODE), practise(5)):
        assert amplify(wave).std() > 0.2 and amplify(wave).abs().max() < 1


def test_the_echo_is_the_dry_sound_640_samples_later():
    dry = amplify(TUNE, echo=0.0)
    expected = dry.clone()
    expected[ECHO_DELAY:] += 0.25 * dry[:-ECHO_DELAY]
    assert torch.allclose(amplify(TUNE, echo=0.25), expected, atol=1e-6)


def test_the_amplifier_bends_sags_and_is_not_symmetrical():
    dry = lambda wave, **knobs: amplify(wave, echo=0.0, **knobs)
    assert decibels(2 * dry(0.5 * TUNE), dry(TUNE)) > -20  # not linear
    assert decibels(-dry(-TUNE), dry(TUNE)) > -20  # not symmetrical
    assert decibels(dry(TUNE, sag=0.0), dry(TUNE)) > -25  # with a memory of how loud it was


def test_the_net_sees_its_receptive_field_and_no_more():
    torch.manual_seed(0)
    net = AmpNet(4, (1, 2, 4))
    x = torch.randn(1, 20, requires_grad=True)
    output = net(x)
    assert net.receptive_field == 8 and output.shape == (1, 13)
    output[0, 5].backward()
    assert x.grad[0].nonzero().flatten().tolist() == list(range(5, 13))


@pytest.mark.parametrize(("layer", "seen"), [(0, [11, 12]), (1, [9, 10, 11, 12]), (2, list(range(5, 13)))])
def test_the_head_reads_each_layer_at_the_same_newest_sample(layer, seen):
    torch.manual_seed(0)
    net = AmpNet(4, (1, 2, 4))
    x = torch.randn(1, 20, requires_grad=True)
    others = [column for column in range(12) if column // 4 != layer]
    with torch.no_grad():
        net.head.weight[:, others] = 0
    net(x)[0, 5].backward()
    assert x.grad[0].nonzero().flatten().tolist() == seen


def test_all_parameters_of_the_nets_are_used_and_equally_many():
    nets = {reach: amp_net(reach) for reach in DILATIONS}
    assert {sum(p.numel() for p in net.parameters()) for net in nets.values()} == {3_465}
    nets["short"](torch.randn(1, 100)).sum().backward()
    assert all(p.grad is not None for p in nets["short"].parameters())


def test_a_net_plays_through_a_whole_wave_from_its_first_sample():
    net = amp_net("short")
    wave = torch.randn(200)
    assert through(net, wave).shape == (200,) and net.training and not through(net, wave).requires_grad
    assert torch.allclose(through(net, wave)[net.receptive_field - 1 :], net(wave[None])[0], atol=1e-5)


def test_silence_has_0_db_and_a_tenth_of_the_amplitude_20_less():
    assert decibels(torch.zeros_like(TUNE), TUNE) == pytest.approx(0, abs=1e-4)
    assert decibels(0.9 * TUNE, TUNE) == pytest.approx(-20, abs=1e-3)
    assert error_ratio(3 * TUNE, TUNE).item() == pytest.approx(4)


def test_the_best_curve_finds_a_curve():
    wave = practise(3)
    curve = memoryless(wave, wave**3)
    assert decibels(curve(TUNE), TUNE**3) < -25


def rows(arm):
    with open(EVIDENCE, newline="", encoding="utf-8") as file:
        return [float(row["val"]) for row in csv.DictReader(file) if row["arm"] == arm]


def test_only_the_net_that_sees_the_echo_beats_the_amplifier_without_it():
    tune = play(ODE)
    dry = decibels(amplify(tune, echo=0.0), amplify(tune))
    assert all(len(rows(arm)) == 3 for arm in DILATIONS)
    assert max(rows("long")) < dry - 8 and min(rows("middle") + rows("short")) > dry - 1
    assert rows("memoryless") == pytest.approx(
        [decibels(memoryless(practise(20), amplify(practise(20)))(tune), amplify(tune))]
    )


def test_the_loop_of_the_lesson_is_that_of_the_evidence():
    notebook = nbformat.read(DATA.parent / "notebooks" / "11_sound.ipynb", as_version=4)
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    (last,) = re.findall(r"^step 400: (-\d+\.\d) dB$", printed, re.MULTILINE)
    assert float(last) == pytest.approx(rows("long")[0], abs=2.5)
