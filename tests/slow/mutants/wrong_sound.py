"""Mistakes in lib.sound: target, mistake, the text to replace and its replacement."""

COMPANDED = "x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)"
NEAREST = "((companded + 1) / 2 * mu + 0.5).floor()"
EXPANDED = "companded.sign() * torch.expm1(companded.abs() * math.log1p(mu)) / mu"
FADE = "LOUD * (QUIET / LOUD) ** (torch.arange(STROKE, dtype=torch.float64) / (STROKE - 1))"
LOGITS = "logits = model(track[None, first - reach : -1])[0]"
PART = "(time % delay < STROKE) * (1 + time // delay % 2)"

WRONG = {
    "mu_law_encode": {
        "no companding": (COMPANDED, "x"),
        "sign lost": (COMPANDED, COMPANDED.removeprefix("x.sign() * ")),
        "decimal logarithm above, natural below": (
            COMPANDED,
            COMPANDED.replace("torch.log1p(mu * x.abs())", "(1 + mu * x.abs()).log10()"),
        ),
        "256 in place of 255": ("    return levels - 1", "    return levels"),
        "rounded down": (NEAREST, NEAREST.replace(" + 0.5", "")),
        "rounded up": (NEAREST, NEAREST.replace(" + 0.5", " + 1")),
        "not clipped": ("torch.float32)).clamp(-1, 1)", "torch.float32))"),
        "as float": (f"{NEAREST}.long()", NEAREST),
        "accepts NaN": ("if waveform.isnan().any():", "if False:"),
        "levels ignored": ("    mu = _mu(levels)\n    if not waveform", "    mu = _mu(LEVELS)\n    if not waveform"),
        "accepts integers": ("if not waveform.is_floating_point():", "if False:"),
        "computes in half precision": ("waveform.to(torch.promote_types(waveform.dtype, torch.float32)).", "waveform."),
        "accepts one level": ("if levels < 2:", "if levels < 1:"),
    },
    "mu_law_decode": {
        "not expanded": (EXPANDED, "companded"),
        "1 not subtracted": (EXPANDED, EXPANDED.replace("torch.expm1(", "torch.exp(")),
        "not divided by mu": (EXPANDED, EXPANDED.removesuffix(" / mu")),
        "not moved to -1 ... 1": ("companded = 2 * ids.long() / mu - 1", "companded = ids / mu"),
        "mirrored": ("companded = 2 * ids.long() / mu - 1", "companded = 1 - 2 * ids / mu"),
        "small integer types overflow": ("2 * ids.long() / mu", "2 * ids / mu"),
        "accepts any id": ("if ids.numel() and not (", "if False and not ("),
        "accepts negative ids": ("(int(ids.min()) >= 0 and int(ids.max()) < levels)", "(int(ids.max()) < levels)"),
    },
    "drum_with_echo": {
        "echo one sample late": ("bars[:, 1, :STROKE] = ECHO * stroke", "bars[:, 1, 1 : STROKE + 1] = ECHO * stroke"),
        "echo of the stroke before": ("= ECHO * stroke", "= ECHO * stroke.roll(1, 0)"),
        "echo as loud": ("= ECHO * stroke", "= stroke"),
        "echo is new noise": ("= ECHO * stroke", "= ECHO * stroke.flip(1).sign() * stroke.abs()"),
        "does not fade": (FADE, "LOUD * torch.ones(STROKE, dtype=torch.float64)"),
        "fades linearly": (FADE, "torch.linspace(LOUD, QUIET, STROKE, dtype=torch.float64)"),
        "all signs alike": ("torch.randint(2,", "torch.randint(1,"),
        "one stroke repeated": ("(strokes, STROKE), generator", "(1, STROKE), generator"),
        "seed ignored": (
            "torch.Generator().manual_seed(seed))\n    stroke",
            "torch.Generator().manual_seed(0))\n    stroke",
        ),
        "seeds the global generator": (
            "generator=torch.Generator().manual_seed(seed))\n    stroke",
            "generator=torch.manual_seed(seed))\n    stroke",
        ),
        "delay ignored": ("bars = torch.zeros(strokes, 2, delay)", "bars = torch.zeros(strokes, 2, DELAY)"),
        "accepts no strokes": ("if strokes < 1 or", "if strokes < 0 or"),
        "accepts a delay shorter than a stroke": ("or delay < STROKE:", "or delay < STROKE - 1:"),
    },
    "parts": {
        "stroke and echo swapped": (PART, PART.replace("1 + time // delay % 2", "2 - time // delay % 2")),
        "all strokes": (PART, "(time % delay < STROKE) * 1"),
        "delay ignored": (PART, PART.replace("delay", "DELAY")),
        "one sample longer": (PART, PART.replace("< STROKE", "<= STROKE")),
    },
    "entropy_floor": {
        "in bits": ("STROKE * math.log(2) / (2 * delay)", "STROKE / (2 * delay)"),
        "echo counted": ("STROKE * math.log(2) / (2 * delay)", "STROKE * math.log(2) / delay"),
        "delay ignored": ("STROKE * math.log(2) / (2 * delay)", "STROKE * math.log(2) / (2 * DELAY)"),
    },
    "sound_net": {
        "short sees as far": ('"short": (1, 2, 4, 8, 16) * 2', '"short": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)'),
        "middle sees the echo": ('"middle": (1, 1, 2,', '"middle": (1, 129, 2,'),
        "short has fewer layers": ('"short": (1, 2, 4, 8, 16) * 2', '"short": (1, 2, 4, 8, 16)'),
        "seed ignored": ("torch.manual_seed(seed)\n    return WaveNet", "torch.manual_seed(0)\n    return WaveNet"),
        "accepts any name": (
            "if reach not in DILATIONS:",
            'reach = reach if reach in DILATIONS else "long"\n    if False:',
        ),
    },
    "trained_sound_net": {
        "fresh weights": ('return load_model(DATA / f"sound_{name}.pt")[0]', "return sound_net(name).eval()"),
        "always the long net's weights": ('f"sound_{name}.pt"', '"sound_long.pt"'),
        "train mode": ('load_model(DATA / f"sound_{name}.pt")[0]', 'load_model(DATA / f"sound_{name}.pt")[0].train()'),
    },
    "sample_losses": {
        "the sample itself is seen": (LOGITS, LOGITS.replace("first - reach : -1", "first - reach + 1 :")),
        "one sample late": (LOGITS, "logits = model(F.pad(track, (1, 0))[None, first - reach : -2])[0]"),
        "first ignored": ("first = reach if first is None else first", "first = reach"),
        "mean": ('reduction="none"', 'reduction="mean"'),
        "records gradients": ("with torch.no_grad(), eval_mode(model):", "with eval_mode(model):"),
        "mode not restored": ("with torch.no_grad(), eval_mode(model):", "with torch.no_grad():\n        model.eval()"),
        "accepts a first sample without a past": (
            "if not reach <= first < len(track):",
            "if not 0 <= first < len(track):",
        ),
    },
    "Player": {
        "wrong rate": ("rate=self.rate", "rate=RATE"),
        "not clipped": (
            "self.waveform, self.rate = waveform.clamp(-1, 1), rate",
            "self.waveform, self.rate = waveform, rate",
        ),
        "normalised": ("normalize=False", "normalize=True"),
        "accepts a short description": ("if len(self.description) < 40:", "if len(self.description) < 4:"),
        "description not escaped": ("html.escape(self.description)", "self.description"),
        "no caption": ("{caption}{audio}", "{audio}"),
        "caption after the player": ("{caption}{audio}", "{audio}{caption}"),
        "lines not joined": ('" ".join(description.split())', "description"),
        "no player": ("{caption}{audio}", "{caption}"),
    },
}
