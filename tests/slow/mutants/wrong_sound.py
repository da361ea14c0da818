"""Mistakes in lib/sound.py: target, then mistake, then the text that it replaces and the text that it puts there."""

COMPANDED = "x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)"
NEAREST = "((companded + 1) / 2 * mu + 0.5).floor()"
EXPANDED = "companded.sign() * torch.expm1(companded.abs() * math.log1p(mu)) / mu"
FADE = "LOUD * (QUIET / LOUD) ** (torch.arange(STROKE, dtype=torch.float64) / (STROKE - 1))"
LOGITS = "logits = model(track[None, first - reach : -1])[0]"
PART = "(place % delay < STROKE) * (1 + place // delay % 2)"

WRONG = {
    "mu_law_encode": {
        "no companding": (COMPANDED, "x"),
        "sign lost": (COMPANDED, COMPANDED.removeprefix("x.sign() * ")),
        "decimal logarithm above, natural below": (COMPANDED, COMPANDED.replace("torch.log1p(mu * x.abs())", "(1 + mu * x.abs()).log10()")),
        "256 in place of 255": ("    return levels - 1", "    return levels"),
        "rounded down": (NEAREST, NEAREST.replace(" + 0.5", "")),
        "rounded up": (NEAREST, NEAREST.replace(" + 0.5", " + 1")),
        "not clipped": ("x = waveform.clamp(-1, 1)", "x = waveform"),
        "as float": (f"{NEAREST}.long()", NEAREST),
        "takes NaN": ("if waveform.isnan().any():", "if False:"),
        "levels ignored": ("    mu = _mu(levels)\n    if waveform", "    mu = _mu(LEVELS)\n    if waveform"),
        "takes one level": ("if levels < 2:", "if levels < 1:"),
    },
    "mu_law_decode": {
        "not expanded": (EXPANDED, "companded"),
        "1 not subtracted": (EXPANDED, EXPANDED.replace("torch.expm1(", "torch.exp(")),
        "not divided by mu": (EXPANDED, EXPANDED.removesuffix(" / mu")),
        "not moved to -1 ... 1": ("companded = 2 * ids / mu - 1", "companded = ids / mu"),
        "mirrored": ("companded = 2 * ids / mu - 1", "companded = 1 - 2 * ids / mu"),
        "takes any id": ("if ids.numel() and not (", "if False and not ("),
        "takes negative ids": ("(int(ids.min()) >= 0 and int(ids.max()) < levels)", "(int(ids.max()) < levels)"),
    },
    "drum_with_echo": {
        "echo one sample late": ("bars[:, 1, :STROKE] = ECHO * stroke", "bars[:, 1, 1 : STROKE + 1] = ECHO * stroke"),
        "echo of the stroke before": ("= ECHO * stroke", "= ECHO * stroke.roll(1, 0)"),
        "echo as loud": ("= ECHO * stroke", "= stroke"),
        "echo is new noise": ("= ECHO * stroke", "= ECHO * stroke.flip(1).sign() * stroke.abs()"),
        "does not fade": (FADE, "LOUD * torch.ones(STROKE, dtype=torch.float64)"),
        "fades in a straight line": (FADE, "torch.linspace(LOUD, QUIET, STROKE, dtype=torch.float64)"),
        "coins all heads": ("torch.randint(2,", "torch.randint(1,"),
        "one stroke repeated": ("(strokes, STROKE), generator", "(1, STROKE), generator"),
        "seed ignored": ("torch.Generator().manual_seed(seed))\n    stroke", "torch.Generator().manual_seed(0))\n    stroke"),
        "seeds everyone": ("generator=torch.Generator().manual_seed(seed))\n    stroke", "generator=torch.manual_seed(seed))\n    stroke"),
        "delay ignored": ("bars = torch.zeros(strokes, 2, delay)", "bars = torch.zeros(strokes, 2, DELAY)"),
        "takes no strokes": ("if strokes < 1 or", "if strokes < 0 or"),
        "takes a delay shorter than a stroke": ("or delay < STROKE:", "or delay < STROKE - 1:"),
    },
    "parts": {
        "stroke and echo swapped": (PART, PART.replace("1 + place // delay % 2", "2 - place // delay % 2")),
        "all strokes": (PART, "(place % delay < STROKE) * 1"),
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
        "any name is long": ("if reach not in DILATIONS:", 'reach = reach if reach in DILATIONS else "long"\n    if False:'),
    },
    "trained_sound_net": {
        "fresh weights": ('    model.load_state_dict(load_checkpoint(DATA / f"sound_{name}.pt")["model"])\n', ""),
        "always the long net's weights": ('f"sound_{name}.pt"', '"sound_long.pt"'),
        "train mode": ("return model.eval()", "return model.train()"),
    },
    "sample_losses": {
        "the sample itself is seen": (LOGITS, LOGITS.replace("first - reach : -1", "first - reach + 1 :")),
        "one sample late": (LOGITS, "logits = model(F.pad(track, (1, 0))[None, first - reach : -2])[0]"),
        "first ignored": ("first = reach if first is None else first", "first = reach"),
        "mean": ('reduction="none"', 'reduction="mean"'),
        "keeps gradients": ("with torch.no_grad(), eval_mode(model):", "with eval_mode(model):"),
        "leaves eval mode on": ("with torch.no_grad(), eval_mode(model):", "with torch.no_grad():\n        model.eval()"),
        "takes a first sample without a past": ("if not reach <= first < len(track):", "if not 0 <= first < len(track):"),
    },
    "Player": {
        "wrong rate": ("file.setframerate(rate)", "file.setframerate(RATE)"),
        "not clipped": ("(waveform.clamp(-1, 1) * 32_767)", "(waveform * 32_767)"),
        "half as loud": ("* 32_767)", "* 16_384)"),
        "cut off": (".round().to(torch.int16)", ".to(torch.int16)"),
        "big-endian": ('astype("<i2")', 'astype(">i2")'),
        "stereo": ("file.setnchannels(1)", "file.setnchannels(2)"),
        "takes a short description": ("if len(self.description) < 40:", "if len(self.description) < 4:"),
        "description not escaped": ("html.escape(self.description, quote=True)", "self.description"),
        "no label": (' aria-label="{said}"', ""),
        "no caption": ("<small>{said}</small>", ""),
        "lines not joined": ('" ".join(description.split())', "description"),
        "no player": ("<audio controls", "<audio"),
    },
}  # fmt: skip
