"""Mistakes in lib.amplifier: target, mistake, the text to replace and its replacement."""

WRONG = {
    "pluck": {
        "does not fade": ("0.996 * (wave + wave.roll(1)) / 2", "(wave + wave.roll(1)) / 2"),
        "does not lose high frequencies": ("0.996 * (wave + wave.roll(1)) / 2", "0.96 * wave"),
        "averages the other neighbour": ("wave.roll(1)", "wave.roll(-1)"),
        "a period longer": ("return torch.cat(periods)[:samples]", "return torch.cat(periods)"),
    },
    "play": {
        "lengths ignored": ("int(length * BEAT)", "BEAT"),
        "seed ignored": ("torch.Generator().manual_seed(seed), [], Fraction", "torch.Generator(), [], Fraction"),
        "accepts what is no note": ("if not found or found[1] not in PERIODS:", "if not found:"),
        "not of full loudness": ("return 0.9 * wave / wave.abs().max()", "return wave"),
    },
    "practise": {
        "longer than asked": ("return _loud(torch.cat(parts)[: seconds * RATE])", "return _loud(torch.cat(parts))"),
        "seed ignored": ("torch.Generator().manual_seed(seed), []\n", "torch.Generator(), []\n"),
    },
    "amplify": {
        "no clip": ("math.tanh(drive * x + 0.3 - sag * loudness)", "(drive * x + 0.3 - sag * loudness)"),
        "symmetrical": (
            "math.tanh(drive * x + 0.3 - sag * loudness) - math.tanh(0.3)",
            "math.tanh(drive / (1 + sag * loudness) * x)",
        ),
        "does not sag": ("- sag * loudness", ""),
        "not silent after silence": (" - math.tanh(0.3)", ""),
        "echo one sample late": ("F.pad(dry, (ECHO_DELAY, 0))", "F.pad(dry, (ECHO_DELAY + 1, 0))"),
        "echo of the guitar": ("echo * F.pad(dry,", "echo * F.pad(guitar,"),
        "echo ignored": ("dry + echo * F.pad", "dry + 0.5 * F.pad"),
    },
    "AmpNet": {
        "first outputs of the gates": ("z[:, -x.shape[1] :]", "z[:, : x.shape[1]]"),
        "unused parameters": ("residual=i < last", "residual=i <= last"),
        "one layer read": ("for z in gates]", "for z in gates[-1:] * len(gates)]"),
    },
    "amp_net": {
        "seed of all nets ignored": ("DILATIONS[reach])", 'DILATIONS["long"])'),
    },
    "through": {
        "one sample late": ("net.receptive_field - 1)\n    with", "net.receptive_field)\n    with"),
        "records gradients": ("with torch.no_grad(), eval_mode(net):", "with eval_mode(net):"),
    },
    "error_ratio": {
        "of amplitudes": ("(output - target).square().sum()", "(output - target).abs().sum()"),
        "over the output": ("/ target.square().sum()", "/ output.square().sum()"),
    },
    "decibels": {
        "twice as many": ("10 * math.log10(error", "20 * math.log10(error"),
        "natural logarithm": ("10 * math.log10(error", "10 * math.log(error"),
    },
    "memoryless": {
        "sum in place of mean": ("/ count.clamp(min=1)", ""),
        "of the input": ("index_add(0, levels, sound)", "index_add(0, levels, guitar)"),
    },
}
