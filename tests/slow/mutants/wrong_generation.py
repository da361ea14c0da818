"""Mistakes in lib.wavenet.generation: target, mistake, the text to replace and its replacement."""

READ = "        seen = torch.cat([*(queue[slot] for slot in slots), now], dim=1)  # (B, k*C), earliest first\n"
WRITE = "        queue[slots[0]] = now\n"
FILL = "last = x[:, x.shape[1] - layer.reach :].transpose(0, 1)"
SLOTS = "slots = [(self.time + lag) % layer.reach for lag in range(0, layer.reach, layer.dilation)]"
STEP = "ids[:, position] = draw_ids(letter_probs(memory.logits, temperature, top_k), generator)"

WRONG = {
    "Queues": {
        "written before it is read": (READ + WRITE, WRITE + READ),
        "read before it was ever written": (
            FILL,
            FILL.replace("transpose(0, 1)", "transpose(0, 1) * 0"),
        ),
        "never written": (WRITE, ""),
        "written to another slot": (WRITE, "        queue[slots[0] - 1] = now\n"),
        "one slot for all taps": (SLOTS, SLOTS.replace("self.time + lag", "self.time")),
        "one time step early": (SLOTS, SLOTS.replace("self.time + lag", "self.time + 1 + lag")),
        "dilation ignored": (
            SLOTS,
            SLOTS.replace("range(0, layer.reach, layer.dilation)", "range(layer.kernel_size - 1)"),
        ),
        "ring as long as the dilation": (SLOTS, SLOTS.replace("% layer.reach", "% layer.dilation")),
        "latest first": (
            "torch.cat([*(queue[slot] for slot in slots), now], dim=1)",
            "torch.cat([now, *(queue[slot] for slot in slots)], dim=1)",
        ),
        "filled with the first inputs": (FILL, FILL.replace("x[:, x.shape[1] - layer.reach :]", "x[:, : layer.reach]")),
        "filled latest first": (FILL, FILL.replace("transpose(0, 1)", "transpose(0, 1).flip(0)")),
        "filled without a copy": ("last.clone(memory_format=torch.contiguous_format)", "last"),
        "a new queue at every step": (
            WRITE,
            "        self.queues[layer] = queue.index_copy(0, torch.tensor([slots[0]]), now[None])\n",
        ),
        "time not advanced": ("        self.time += 1\n", ""),
        "time runs on while it is filled": (
            "self.time, self.filling = 0, True",
            "self.time, self.filling = getattr(self, 'time', 0), True",
        ),
        "keeps filling": ("            self.filling = False", "            self.filling = True"),
        "condition ignored": (
            "given = {} if condition is None else",
            "given = {} if condition is None else {'condition': 0 * condition} if True else",
        ),
        "filled in train mode": ("with eval_mode(self.model):  # once", "with nullcontext():  # once"),
        "steps in train mode": ("with eval_mode(model) if model.training else nullcontext():", "with nullcontext():"),
        "mode not restored": (
            "    with eval_mode(model) if model.training else nullcontext():",
            "    with nullcontext(model.eval()):",
        ),
        "records gradients": ("@torch.no_grad()\n", ""),
        "the first position's logits": ("taps=taps, **given)[:, -1]", "taps=taps, **given)[:, 0]"),
        "keeps the others' queues": (
            "self.queues = {layer: queue[:, rows] for layer, queue in self.queues.items()}\n",
            "self.queues = {layer: queue[:, : int(rows.sum())] for layer, queue in self.queues.items()}\n",
        ),
        "keeps all conditions": (
            "        self.logits = self.logits[rows]\n        self.condition = None if self.condition is None else self.condition[rows]",
            "        self.logits = self.logits[rows]\n        self.condition = None if self.condition is None else self.condition[: len(self.logits)]",
        ),
    },
    "state": {
        "time not saved": ('"time": self.time, ', '"time": 0, '),
        "logits not saved": ('"logits": self.logits, ', '"logits": 0 * self.logits, '),
        "condition not saved": ('"condition": self.condition})', '"condition": None})'),
        "changes with the queues": ('return copy.deepcopy({"queues"', 'return dict({"queues"'),
        "used up by loading": ("        state = copy.deepcopy(state)\n", ""),
        "condition not restored": (
            'self.logits, self.condition = state["time"], state["logits"], state["condition"]',
            'self.logits = state["time"], state["logits"]',
        ),
        "queues not restored": (
            'self.queues = dict(zip(convolutions(self.model), state["queues"], strict=True))',
            "pass",
        ),
        "accepts the state of another net": ("if got != expected:", "if len(got) != len(expected):"),
    },
    "TreeTaps": {
        "latest first": ("range(layer.reach, -1, -layer.dilation)", "range(0, layer.reach + 1, layer.dilation)"),
        "dilation ignored": ("range(layer.reach, -1, -layer.dilation)", "range(layer.kernel_size - 1, -1, -1)"),
        "computes everything": (
            "outputs = inputs",
            "outputs = list(range(max(inputs), -1, -1))",
        ),
        "takes every layer's inputs for ordered": ("None if in_order else seen", "None"),
        "first layer sees the needed ids only": ("if number else list(whole)", "if True else list(whole)"),
    },
    "NaiveGeneration": {
        "window not advanced": (
            "return self._run(torch.cat([self.window, ids[:, None]], dim=1))",
            "return self._run(self.window)",
        ),
        "window moves the wrong way": (
            "torch.cat([self.window, ids[:, None]], dim=1)",
            "torch.cat([ids[:, None], self.window], dim=1)",
        ),
        "the first ids of a longer prompt": (
            "ids[:, -self.model.receptive_field :]",
            "ids[:, : self.model.receptive_field]",
        ),
        "keeps all windows": (
            "self.window, self.logits = self.window[rows], self",
            "self.window, self.logits = self.window[: int(rows.sum())], self",
        ),
    },
    "generate": {
        "generator ignored": (STEP, STEP.replace("generator)", "None)")),
        "temperature ignored": (STEP, STEP.replace("temperature", "1.0")),
        "top_k ignored": (STEP, STEP.replace(", top_k", "")),
        "memory not advanced": ("            memory.step(ids[:, position])\n", ""),
        "only the outermost mode checked": ("with eval_mode(memory.model):  #", "with nullcontext():  #"),
        "advances with the previous id": ("memory.step(ids[:, position])", "memory.step(ids[:, position - 1])"),
        "one id too few": ("for position in range(steps):\n", "for position in range(steps - 1):\n"),
        "settings not checked": ("check_sampling(temperature, top_k, steps=steps)", "pass"),
        "steps not checked": ("check_sampling(temperature, top_k, steps=steps)", "check_sampling(temperature, top_k)"),
    },
    "generate_names": {
        "goes on after the stop mark": ("goes_on = ids != 0", "goes_on = ids >= 0"),
        "ids written to another name's row": ("written[running, position]", "written[: len(running), position]"),
        "queues of other names kept": (
            "memory.keep(goes_on)\n",
            "memory.keep(goes_on.sort().values)\n",
        ),
        "max_length one too short": ("in range(max_length):", "in range(max_length - 1):"),
        "condition ignored": ("torch.full((size,), condition, ", "torch.full((size,), 0, "),
        "more names than asked for": ("min(CHUNK, n - begin)", "CHUNK"),
        "only one chunk": ("in range(0, n, CHUNK):", "in range(0, min(n, CHUNK), CHUNK):"),
        "settings not checked": ("check_sampling(temperature, top_k, max_length, n=n)", "pass"),
        "max_length not checked": ("top_k, max_length, n=n)", "top_k, n=n)"),
    },
}
