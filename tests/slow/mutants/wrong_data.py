"""Mistakes in lib.data: target, mistake, the text to replace and its replacement."""

WRONG = {
    "load_names": {
        "unique loses the file's order": ("list(dict.fromkeys(names))", "sorted(set(names))"),
        "unique=False is ignored": ("    if unique:\n", "    if names:\n"),
        "accepts the stop mark in a name": ("if STOP in name]:", "if STOP == name]:"),
        "accepts one name": ("    if len(names) < 2:\n", "    if not names:\n"),
    },
    "split_names": {
        "not shuffled": ("    random.Random(seed).shuffle(shuffled)\n", ""),
        "shuffled without a seed": ("random.Random(seed).shuffle(shuffled)", "random.shuffle(shuffled)"),
        "seed is ignored": ("random.Random(seed)", "random.Random(42)"),
        "another default seed": ("seed: int = 42", "seed: int = 0"),
        "seeds the global generator": (
            "random.Random(seed).shuffle(shuffled)",
            "random.seed(seed)\n    random.shuffle(shuffled)",
        ),
        "shuffles its input in place": ("shuffled = list(names)", "shuffled = names"),
        "duplicates dropped": ("shuffled = list(names)", "shuffled = list(dict.fromkeys(names))"),
        "splits windows instead of names": (
            "shuffled = list(names)",
            "shuffled = [name[: place + 1] for name in names for place in range(len(name))]",
        ),
        "cuts rounded to the nearest": (
            "int(0.8 * len(shuffled)), int(0.9 * len(shuffled))",
            "round(0.8 * len(shuffled)), round(0.9 * len(shuffled))",
        ),
        "cut at 90 and 95 %": ("int(0.8 * len(shuffled)), int(0.9 *", "int(0.9 * len(shuffled)), int(0.95 *"),
        "a name lost at the cut": ("shuffled[first:second]", "shuffled[first + 1 : second]"),
        "test holds val": ("shuffled[second:]", "shuffled[first:]"),
        "val and test swapped": (
            "shuffled[first:second], shuffled[second:]",
            "shuffled[second:], shuffled[first:second]",
        ),
    },
    "Vocabulary": {
        "letters not sorted": ("(STOP, *sorted(letters))", "(STOP, *sorted(letters, reverse=True))"),
        "stop mark last": ("(STOP, *sorted(letters))", "(*sorted(letters), STOP)"),
        "stop mark sorted in with the letters": ("(STOP, *sorted(letters))", "tuple(sorted({STOP, *letters}))"),
        "encode adds a stop mark": (
            "[self._ids[character] for character in text]",
            "[*(self._ids[character] for character in text), 0]",
        ),
        "encode leaves out unknown letters": (
            "unknown = sorted(set(text) - self._ids.keys())",
            "text, unknown = [letter for letter in text if letter in self._ids], []",
        ),
        "decode leaves out the stop mark": ("for number in ids)\n", "for number in ids if number)\n"),
        "decode counts negative numbers from the end": ("if not 0 <= number < len(self)]", "if number >= len(self)]"),
        "accepts a string as a list of names": ("isinstance(names, str)", "isinstance(names, bytes)"),
        "accepts the stop mark as a letter": ("        if STOP in letters:\n", "        if STOP == letters:\n"),
    },
    "make_windows": {
        "window holds its own target": (".unfold(0, context, 1)[: len(Y)]", ".unfold(0, context, 1)[1:]"),
        "window is one character late": ("F.pad(Y, (context, 0))", "F.pad(Y, (context + 1, 0))"),
        "window holds what follows": ("F.pad(Y, (context, 0))", "F.pad(Y, (0, context))"),
        "padding on the right": (
            "return X.masked_fill(is_other_name, 0), Y",
            "shift = (context - position).clamp(min=0)[:, None]\n"
            "    return X.masked_fill(is_other_name, 0).gather(1, (torch.arange(context) + shift) % context), Y",
        ),
        "latest character first": ("X.masked_fill(is_other_name, 0), Y", "X.masked_fill(is_other_name, 0).flip(1), Y"),
        "padding is a letter": ("X.masked_fill(is_other_name, 0)", "X.masked_fill(is_other_name, 1)"),
        "windows run over into the neighbouring name": ("return X.masked_fill(is_other_name, 0), Y", "return X, Y"),
        "oldest character of a name is masked": ("torch.arange(context) < context", "torch.arange(context) <= context"),
        "stop mark is no target": (
            "return X.masked_fill(is_other_name, 0), Y",
            "return X.masked_fill(is_other_name, 0)[Y != 0], Y[Y != 0]",
        ),
        "names sorted": ("STOP.join(names) + STOP", "STOP.join(sorted(names)) + STOP"),
        "another default context": ("context: int = 8", "context: int = 3"),
        "ids of 32 bits": (
            "return X.masked_fill(is_other_name, 0), Y",
            "return X.masked_fill(is_other_name, 0).int(), Y.int()",
        ),
        "unknown letters become -1": ("if int(ids.min()) < 0:", "if int(ids.max()) < 0:"),
        "stop mark inside a name cuts it in two": ("if text.count(STOP) != len(names):", "if False:"),
        "accepts a context of 0": ("    if context < 1:\n", "    if context < 0:\n"),
    },
}
