"""Mistakes in lib/sampling.py: target, then mistake, then the text that it replaces and the text that it puts there."""

DRAW = "torch.multinomial(probs, num_samples=1, generator=generator)"
ASK = "letter_probs(model(contexts.to(device)), temperature, top_k)"
SPREAD = "probs[beginning.to(probs.device)]"
JOIN = "(beginning * V + ids)[goes_on].unique(return_inverse=True)"
MOVE = "torch.cat([contexts[longer // V, 1:], (longer % V)[:, None]], dim=1)"
DRAWN = "F.pad(letters[:, :-1] != 0, (1, 0), value=True)"
NAMES = "vocabulary.decode(letters[is_drawn].tolist()).split(vocabulary.letters[0])[:-1]"
SCORE = "F.log_softmax(logits.double(), dim=1).gather(1, Y[:, None]).sum().item()"
MASK = "logits = torch.full_like(logits, -math.inf).scatter(1, kept.indices, kept.values)"

WRONG = {
    "sample_names": {
        "samples in train mode": (
            "    with eval_mode(model):\n        for",
            "    with torch.no_grad():\n        for",
        ),
        "mode not put back": (
            "    with eval_mode(model):\n        for",
            "    model.eval()\n    with torch.no_grad():\n        for",
        ),
        "keeps the graph for a gradient": ("@torch.no_grad()\ndef sample_names", "def sample_names"),
        "generator ignored": (DRAW, "torch.multinomial(probs, num_samples=1)"),
        "argmax instead of a draw": (DRAW, "probs.argmax(dim=1, keepdim=True)"),
        "draws all letters alike": (DRAW, DRAW.replace("probs,", "torch.ones_like(probs),")),
        "context not moved on": (MOVE, "contexts[longer // V]"),
        "context moved the wrong way": (MOVE, "torch.cat([(longer % V)[:, None], contexts[longer // V, :-1]], dim=1)"),
        "context grows": (MOVE, MOVE.replace(", 1:]", "]")),
        "context of another beginning": (MOVE, MOVE.replace("longer // V,", "(longer // V).flip(0),")),
        "context forgets its oldest letter": (
            f"contexts = {MOVE}",
            f"recent, same = {MOVE}[:, 1:].unique(dim=0, return_inverse=True)\n"
            "        contexts, beginning = F.pad(recent, (1, 0)), same[beginning]",
        ),
        "a context of 8 whatever the model's": ('torch.zeros(1, getattr(model, "context", 8), ', "torch.zeros(1, 8, "),
        "starts from a letter": ("contexts = torch.zeros(1,", "contexts = torch.ones(1,"),
        "probabilities of another name's beginning": (SPREAD, "probs[beginning.flip(0).to(probs.device)]"),
        "probabilities of one beginning for all names": (SPREAD, "probs[:1].expand(len(beginning), -1)"),
        "beginnings told apart by their last letter": (JOIN, "ids[goes_on].unique(return_inverse=True)"),
        "beginnings told apart by all but their last letter": (JOIN, JOIN.replace("+ ids", "+ ids.max()")),
        "beginnings of names that have ended kept": (JOIN, JOIN.replace("[goes_on]", "")),
        "beginnings of neighbours only joined": (JOIN, JOIN.replace("unique", "unique_consecutive")),
        "beginnings not joined": (JOIN, "(beginning * V + ids)[goes_on], torch.arange(len(running))"),
        "goes on after the stop mark": ("goes_on = ids != 0", "goes_on = ids >= 0"),
        "letters go to another name's row": ("letters[running, place]", "letters[: len(running), place]"),
        "the first letter lost": (DRAWN, DRAWN.replace("True", "False")),
        "the last letter lost": (DRAWN, "F.pad(letters[:, 1:] != 0, (0, 1))"),
        "no stop mark between names": (DRAWN, "letters != 0"),
        "no stop mark behind a name that was cut": ("max_length + 1, dtype", "max_length, dtype"),
        "padding returned": (NAMES, NAMES.replace("[is_drawn]", ".flatten()")),
        "what is behind the last stop mark returned": (NAMES, NAMES.replace("[:-1]", "")),
        "empty names left out": (
            NAMES,
            NAMES.replace("split(vocabulary.letters[0])[:-1]", 'replace(".", " ").split()'),
        ),
        "max_length ignored": (
            "temperature, top_k, generator, max_length)\n    return",
            "temperature, top_k, generator, 64)\n    return",
        ),
        "max_length one too short": ("in range(max_length):", "in range(max_length - 1):"),
        "temperature ignored": (ASK, ASK.replace("temperature", "1.0")),
        "top_k ignored": (ASK, ASK.replace(", top_k", "")),
        "more names than asked for": ("min(PIECE, n - begin)", "PIECE"),
        "only one piece": ("range(0, n, PIECE)", "range(0, min(n, PIECE), PIECE)"),
        "the last, smaller piece left out": ("range(0, n, PIECE)", "range(0, n - PIECE + 1, PIECE)"),
        "an infinite temperature is taken": ("(math.isfinite(temperature) and temperature >= 0)", "(temperature >= 0)"),
    },
    "letter_probs": {
        "softmax over dim 0": ("F.softmax(logits, dim=1)", "F.softmax(logits, dim=0)"),
        "temperature multiplied": (") / temperature  #", ") * temperature  #"),
        "probabilities divided by the temperature": (
            "(logits - logits.max(dim=1, keepdim=True).values) / temperature",
            "F.softmax(logits, dim=1) / temperature",
        ),
        "overflows at a low temperature": (
            "(logits - logits.max(dim=1, keepdim=True).values) / temperature",
            "logits / temperature",
        ),
        "a small temperature rounds to 0": ("temperature < torch.finfo(logits.dtype).tiny:", "temperature == 0:"),
        "divides by a temperature of 0": (
            "    if temperature < torch.finfo(logits.dtype).tiny:",
            "    if temperature is None:",
        ),
        "argmax over dim 0": ("logits.argmax(dim=1)", "logits.argmax(dim=0)"),
        "top_k off by one": ("logits.topk(top_k, dim=1)", "logits.topk(top_k + 1, dim=1)"),
        "the k least likely": ("logits.topk(top_k, dim=1)", "logits.topk(top_k, dim=1, largest=False)"),
        "equals of the last of the top k kept too": (
            MASK,
            "logits = logits.masked_fill(logits < kept.values[:, -1:], -math.inf)",
        ),
        "logits of the others set to 0": (MASK, MASK.replace("full_like(logits, -math.inf)", "zeros_like(logits)")),
        "top k not divided by their sum": (
            MASK,
            "return torch.zeros_like(logits).scatter(1, kept.indices, F.softmax(logits, dim=1).gather(1, kept.indices))",
        ),
        "top_k above the vocabulary": ("if top_k is not None and top_k < logits.shape[1]:", "if top_k is not None:"),
    },
    "name_log_prob": {
        "stop mark left out": (SCORE, SCORE.replace(".sum()", "[:-1].sum()")),
        "log base 2": (SCORE, f"{SCORE} / math.log(2)"),
        "mean instead of sum": (SCORE, SCORE.replace(".sum()", ".mean()")),
        "sign turned": (SCORE, f"-{SCORE}"),
        "a probability, not its logarithm": (SCORE, SCORE.replace(".sum()", ".sum().exp()")),
        "probabilities added": (SCORE, SCORE.replace("log_softmax", "softmax")),
        "softmax over dim 0": (SCORE, SCORE.replace("dim=1", "dim=0")),
        "scores the letter before": (SCORE, SCORE.replace("Y[:, None]", "X[:, -1:]")),
        "rounded to 32 bits": (SCORE, SCORE.replace(".double()", "")),
        "runs in train mode": (
            "    with eval_mode(model):\n        logits",
            "    with torch.no_grad():\n        logits",
        ),
        "mode not put back": (
            "    with eval_mode(model):\n        logits",
            "    model.eval()\n    with torch.no_grad():\n        logits",
        ),
        "keeps the graph for a gradient": ("@torch.no_grad()\ndef name_log_prob", "def name_log_prob"),
        "a context of 8 whatever the model's": ('vocabulary, context=getattr(model, "context", 8))', "vocabulary)"),
    },
}
