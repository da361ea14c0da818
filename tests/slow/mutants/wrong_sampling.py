"""Mistakes in lib.sampling: target, mistake, the text to replace and its replacement."""

DRAW = "torch.div(drawn_from, times, out=times).argmax(dim=1)"
RUN = "letter_probs(_last(model(contexts.to(device))), temperature, top_k)"
SPREAD = "probs.index_select(0, prefix.to(device))"
JOIN = "(prefix * V + ids).index_select(0, goes_on).unique(return_inverse=True)"
MOVE = "torch.cat([contexts[:, 1:].index_select(0, longer // V), (longer % V)[:, None]], dim=1)"
DRAWN = "F.pad(written != 0, (1, 0), value=True)"
NAMES = '"".join([characters[number] for number in ids.tolist()]).split(characters[0])[:-1]'
SCORE = "F.log_softmax(logits.double(), dim=1).gather(1, Y[:, None]).sum().item()"
MASK = "scaled = torch.full_like(scaled, -math.inf).scatter(1, kept.indices, kept.values)"
SCALE = "(logits - logits.max(dim=1, keepdim=True).values) / temperature"

WRONG = {
    "sample_names": {
        "samples in train mode": (
            "    with eval_mode(model), many",
            "    with many",
        ),
        "mode not restored": (
            "    with eval_mode(model), many",
            "    model.eval()\n    with many",
        ),
        "a net's outputs are for inference only": (
            "many_small_calls() if tables else torch.no_grad()",
            "many_small_calls()",
        ),
        "records gradients": ("if tables else torch.no_grad()", "if tables else torch.enable_grad()"),
        "generator ignored": ("dtype=torch.float64, generator=generator)", "dtype=torch.float64)"),
        "argmax instead of a draw": (DRAW, "drawn_from.argmax(dim=1)"),
        "draws all characters alike": (DRAW, DRAW.replace("drawn_from,", "torch.ones_like(drawn_from),")),
        "context not moved on": (MOVE, "contexts[longer // V]"),
        "context moved the wrong way": (MOVE, "torch.cat([(longer % V)[:, None], contexts[longer // V, :-1]], dim=1)"),
        "context grows": (MOVE, MOVE.replace("[:, 1:]", "")),
        "context of another prefix": (MOVE, MOVE.replace("longer // V)", "(longer // V).flip(0))")),
        "context forgets its oldest character": (
            f"contexts = {MOVE}",
            f"recent, same = {MOVE}[:, 1:].unique(dim=0, return_inverse=True)\n"
            "        contexts, prefix = F.pad(recent, (1, 0)), same[prefix]",
        ),
        "always a context of 8": ('torch.zeros(1, getattr(model, "context", 8), ', "torch.zeros(1, 8, "),
        "starts with a letter": ("contexts = torch.zeros(1,", "contexts = torch.ones(1,"),
        "probabilities of another name's prefix": (SPREAD, "probs[prefix.flip(0).to(device)]"),
        "probabilities of one prefix for all names": (SPREAD, "probs[:1].expand(len(prefix), -1)"),
        "prefixes distinguished by their last character only": (JOIN, "ids[goes_on].unique(return_inverse=True)"),
        "prefixes distinguished by all but their last character": (JOIN, JOIN.replace("+ ids", "+ ids.max()")),
        "prefixes of finished names kept": (JOIN, JOIN.replace(".index_select(0, goes_on)", "")),
        "prefixes of neighbours only joined": (JOIN, JOIN.replace("unique", "unique_consecutive")),
        "prefixes not joined": (JOIN, "(prefix * V + ids)[goes_on], torch.arange(len(running))"),
        "goes on after the stop mark": ("goes_on = ids.nonzero()[:, 0]", "goes_on = torch.arange(len(ids))"),
        "ids written to another name's row": (
            "index_copy_(0, running, ids)",
            "index_copy_(0, torch.arange(len(ids)), ids)",
        ),
        "the first character lost": (DRAWN, DRAWN.replace("True", "False")),
        "the last character lost": (DRAWN, "F.pad(written[:, 1:] != 0, (0, 2))"),
        "no stop mark between names": (DRAWN, "F.pad(written != 0, (0, 1))"),
        "a cut name loses its last letter": ("F.pad(written, (0, 1))", "F.pad(written[:, :-1], (0, 2))"),
        "padding returned": ("F.pad(written, (0, 1))[is_drawn]", "F.pad(written, (0, 1)).flatten()"),
        "an empty name after the last stop mark": (NAMES, NAMES.replace("[:-1]", "")),
        "empty names left out": (
            NAMES,
            NAMES.replace("split(characters[0])[:-1]", 'replace(".", " ").split()'),
        ),
        "max_length ignored": (
            "temperature, top_k, generator, max_length)\n    return",
            "temperature, top_k, generator, 64)\n    return",
        ),
        "max_length one too short": ("in range(max_length):", "in range(max_length - 1):"),
        "temperature ignored": (RUN, RUN.replace("temperature", "1.0")),
        "top_k ignored": (RUN, RUN.replace(", top_k", "")),
        "more names than asked for": ("min(CHUNK, n - begin)", "CHUNK"),
        "only one chunk": ("range(0, n, CHUNK)", "range(0, min(n, CHUNK), CHUNK)"),
        "the last, smaller chunk left out": ("range(0, n, CHUNK)", "range(0, n - CHUNK + 1, CHUNK)"),
        "accepts 0 for a least of 1": ("value < at_least:", "value < 0:"),
        "accepts a negative count": ('"max_length": (max_length, 1)} |', '"max_length": (max_length, 1)} or'),
        "accepts an infinite temperature": ("(math.isfinite(temperature) and temperature >= 0)", "(temperature >= 0)"),
    },
    "letter_probs": {
        "bfloat16 stays": ("logits.to(torch.promote_types(logits.dtype, torch.float32))", "logits"),
        "double becomes float": ("logits.to(torch.promote_types(logits.dtype, torch.float32))", "logits.float()"),
        "softmax over dim 0": ("F.softmax(scaled, dim=1)", "F.softmax(scaled, dim=0)"),
        "temperature multiplied": (SCALE, SCALE.replace("/ temp", "* temp")),
        "probabilities divided by the temperature": (SCALE, "F.softmax(logits, dim=1) / temperature"),
        "overflows at a low temperature": (SCALE, "logits / temperature"),
        "a small temperature rounds to 0": ("temperature < torch.finfo(logits.dtype).tiny", "temperature == 0"),
        "divides by a temperature of 0": ("temperature < torch.finfo(logits.dtype).tiny", "False"),
        "NaN is let through": ("probs[:, 0].isnan().any()", "False"),
        "argmax over dim 0": ("logits.argmax(dim=1)", "logits.argmax(dim=0)"),
        "top_k off by one": ("scaled.topk(top_k, dim=1)", "scaled.topk(top_k + 1, dim=1)"),
        "the k least likely": ("scaled.topk(top_k, dim=1)", "scaled.topk(top_k, dim=1, largest=False)"),
        "ties with the k-th kept too": (
            MASK,
            "scaled = scaled.masked_fill(scaled < kept.values[:, -1:], -math.inf)",
        ),
        "logits of the others set to 0": (MASK, MASK.replace("full_like(scaled, -math.inf)", "zeros_like(scaled)")),
        "top k not divided by their sum": (
            MASK,
            "return torch.zeros_like(logits).scatter(1, kept.indices, F.softmax(scaled, dim=1).gather(1, kept.indices))",
        ),
        "top_k above the vocabulary": ("if top_k is not None and top_k < logits.shape[1]:", "if top_k is not None:"),
    },
    "name_log_prob": {
        "stop mark left out": (SCORE, SCORE.replace(".sum()", "[:-1].sum()")),
        "log base 2": (SCORE, f"{SCORE} / math.log(2)"),
        "mean instead of sum": (SCORE, SCORE.replace(".sum()", ".mean()")),
        "sign flipped": (SCORE, f"-{SCORE}"),
        "probability instead of its logarithm": (SCORE, SCORE.replace(".sum()", ".sum().exp()")),
        "probabilities added": (SCORE, SCORE.replace("log_softmax", "softmax")),
        "softmax over dim 0": (SCORE, SCORE.replace("dim=1", "dim=0")),
        "scores the character before": (SCORE, SCORE.replace("Y[:, None]", "X[:, -1:]")),
        "rounded to 32 bits": (SCORE, SCORE.replace(".double()", "")),
        "runs in train mode": (
            "    with eval_mode(model):\n        logits",
            "    with torch.no_grad():\n        logits",
        ),
        "mode not restored": (
            "    with eval_mode(model):\n        logits",
            "    model.eval()\n    with torch.no_grad():\n        logits",
        ),
        "records gradients": ("@torch.no_grad()\ndef name_log_prob", "def name_log_prob"),
        "always a context of 8": ('vocabulary, context=getattr(model, "context", 8))', "vocabulary)"),
    },
}
