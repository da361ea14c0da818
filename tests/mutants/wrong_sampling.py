"""Mistakes in lib/sampling.py: target, then mistake, then the text that it replaces and the text that it puts there."""

DRAW = "torch.multinomial(probs, num_samples=1, generator=generator)"
MOVE = "torch.cat([context[:, 1:], ids.to(device)], dim=1)"
SCORE = "F.log_softmax(logits.double(), dim=1).gather(1, Y[:, None]).sum().item()"
MASK = "logits = torch.full_like(logits, -math.inf).scatter(1, kept.indices, kept.values)"

WRONG = {
    "sample_names": {
        "samples in train mode": (
            "    with eval_mode(model):\n        while",
            "    with torch.no_grad():\n        while",
        ),
        "mode not put back": (
            "    with eval_mode(model):\n        while",
            "    model.eval()\n    with torch.no_grad():\n        while",
        ),
        "keeps the graph for a gradient": ("@torch.no_grad()\ndef sample_names", "def sample_names"),
        "generator ignored": (DRAW, "torch.multinomial(probs, num_samples=1)"),
        "argmax instead of a draw": (DRAW, "probs.argmax(dim=1, keepdim=True)"),
        "draws all letters alike": (DRAW, DRAW.replace("probs,", "torch.ones_like(probs),")),
        "context not moved on": (MOVE, "context"),
        "context moved the wrong way": (MOVE, "torch.cat([ids.to(device), context[:, :-1]], dim=1)"),
        "context grows": (MOVE, "torch.cat([context, ids.to(device)], dim=1)"),
        "a context of 8 whatever the model's": ('torch.zeros(n, getattr(model, "context", 8), ', "torch.zeros(n, 8, "),
        "starts from a letter": ("context = torch.zeros(n,", "context = torch.ones(n,"),
        "goes on after the stop mark": ("ids.squeeze(1) != 0", "ids.squeeze(1) >= 0"),
        "letters go to another name's row": ("letters[running, place]", "letters[: len(running), place]"),
        "padding returned": (".rstrip(vocabulary.letters[0])", ""),
        "the last letter of the longest name lost": ("letters[:, : place + 1]", "letters[:, :place]"),
        "empty names left out": ("place + 1].tolist()]", "place + 1].tolist() if any(row)]"),
        "max_length ignored": (
            "temperature, top_k, generator, max_length)\n    return",
            "temperature, top_k, generator, 64)\n    return",
        ),
        "max_length one too short": ("in range(max_length):", "in range(max_length - 1):"),
        "temperature ignored": (
            "letter_probs(model(context), temperature, top_k)",
            "letter_probs(model(context), 1.0, top_k)",
        ),
        "top_k ignored": (
            "letter_probs(model(context), temperature, top_k)",
            "letter_probs(model(context), temperature)",
        ),
        "more names than asked for": ("min(PIECE, n - len(names))", "PIECE"),
        "only one piece": ("        while len(names) < n:\n", "        if len(names) < n:\n"),
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
