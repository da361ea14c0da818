"""Mistakes in lib/training.py: target, then mistake, then the old text and the new text."""

LOSS = "history.train.append(_finite(distributed.mean(loss.item()), step, recipe))\n"
STEP = """optimizer.zero_grad()
                loss.backward()
                optimizer.step()
"""
MATRICES = """    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
"""
SUM = 'sum(data.loss(model, chunk, "sum").item() for chunk in chunks) / predictions(data)'
ENDS = "                if ends or step % checkpoint_every == 0:\n                    state.save()\n"

WRONG = {
    "train": {
        "no zero_grad": (STEP, STEP.replace("optimizer.zero_grad()", "pass")),
        "loss not checked": ("_finite(distributed.mean(loss.item()), step, recipe)", "loss.item()"),
        "loss checked after the step": (LOSS + " " * 16 + STEP, STEP + " " * 16 + LOSS),
        "infinite loss is accepted": ("if not math.isfinite(loss):", "if math.isnan(loss):"),
        "trains in eval mode": ("_mode(model, training=True)", "_mode(model, training=False)"),
        "mode restored to the outermost module's": (
            "            module.training = was_training",
            "            module.training = before[model]",
        ),
        "threads not restored": (
            "    finally:\n        torch.set_num_threads(before)",
            "    finally:\n        pass",
        ),
        "as many threads as there are": ("_threads_for(recipe.batch_size), ", ""),
        "torch's generator not restored": (", torch.random.fork_rng(devices=[]):", ":"),
        "dropout not seeded": ("        torch.manual_seed(seed)\n", ""),
        "Ctrl-C not restored": (
            "    finally:\n        signal.signal(signal.SIGINT, before)",
            "    finally:\n        pass",
        ),
        "Ctrl-C not restored after an error": (
            "with closing(_steps(",
            "with __import__('contextlib').nullcontext(_steps(",
        ),
        "Ctrl-C does not stop": ("= stop.is_set() and step < history.steps", "= False"),
        "stopped, but not marked": (
            "            ends = history.interrupted or step == history.steps\n",
            "            ends = history.interrupted or step == history.steps\n            history.interrupted = False\n",
        ),
        "no validation loss when stopped": (
            "if history.interrupted and val is not None",
            "if False and val is not None",
        ),
        "validation loss when stopped is kept for the resumed training": (
            ENDS,
            ENDS.replace(
                "state.save()", "history.val.append((step, 0.0)) if history.interrupted else None\n" + " " * 20
            )
            + "                    state.save()\n",
        ),
        "one step too few": ("in range(first, history.steps + 1):", "in range(first, history.steps):"),
        "on_step called after the first step only": (
            "if on_step is not None and not history.interrupted:",
            "if on_step is not None and step:",
        ),
        "on_step not called at the end": (
            "if on_step is not None and not history.interrupted:",
            "if on_step is not None and not ends:",
        ),
        "constant learning rate": ("recipe.lr_at(step, steps)", "recipe.lr"),
        "schedule one step ahead": ("recipe.lr_at(step, steps)", "recipe.lr_at(step + 1, steps)"),
        "schedule for matrices only": ("in optimizer.param_groups:", "in optimizer.param_groups[:1]:"),
        "same batch at every step": (
            "distributed.share(batches.next())",
            "batches.order[:64].long()",
        ),
        "seed ignored": ("Batches(examples, rows, seed, recipe", "Batches(examples, rows, 0, recipe"),
        "replacement ignored": ("seed, recipe.replacement)", "seed)"),
        "validates on what it trains on": ("(step + 1, evaluate(model, val))", "(step + 1, evaluate(model, data))"),
        "weight decay on vectors too": ('"weight_decay": 0.0}', '"weight_decay": recipe.weight_decay}'),
        "no weight decay on the embedding": (
            MATRICES,
            "    matrices = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]\n"
            "    vectors = [p for p in model.parameters() if not any(p is m for m in matrices)]\n",
        ),
        "embedding not trained": (
            "[p for p in model.parameters() if p.ndim >= 2]",
            "[m.weight for m in model.modules() if isinstance(m, nn.Linear)]",
        ),
        "weight decay in the gradient (Adam, not AdamW)": ("torch.optim.AdamW(", "torch.optim.Adam("),
        "betas ignored": ("betas=recipe.betas, ", ""),
        "SGD with momentum": (
            "torch.optim.SGD(model.parameters(), lr=recipe.lr)",
            "torch.optim.SGD(model.parameters(), recipe.lr, 0.9)",
        ),
    },
    "checkpoint": {
        "seconds before the stop are lost": ("time.perf_counter() - history.seconds", "time.perf_counter()"),
        "seconds go on after the last step": ("            if step > first:\n", "            if True:\n"),
        "seed not compared": ("seed=seed, windows", "windows"),
        "recipe compared by name": ("recipe=asdict(recipe)", "recipe=recipe.name"),
        "windows not compared": (", windows=_fingerprint(data))", ")"),
        "windows compared by shape": ("part.cpu().contiguous().numpy()", "str(part.shape).encode()"),
        "targets not compared": (
            "    for part in data:\n        if isinstance(part, Tensor):\n            digest",
            "    for part in data[:1]:\n        if isinstance(part, Tensor):\n            digest",
        ),
        "condition not compared": (
            "    for part in data:\n        if isinstance(part, Tensor):\n            digest",
            "    for part in data[:2]:\n        if isinstance(part, Tensor):\n            digest",
        ),
        "written one step late": ("step % checkpoint_every == 0", "step % checkpoint_every == 1"),
        "not written at the end": ("if ends or step % checkpoint_every", "if step % checkpoint_every"),
        "never resumed": ("            state.resume(", "            False and state.resume("),
        "the vocabulary is not kept": ("history, checkpoint, vocabulary)", "history, checkpoint)"),
    },
    "evaluate": {
        "runs in the model's mode": (
            "with torch.no_grad(), eval_mode(model):",
            "with torch.no_grad():",
        ),
        "mode not restored": (
            "with torch.no_grad(), eval_mode(model):",
            "model.eval()\n    with torch.no_grad():",
        ),
        "keeps the graph for a gradient": ("with torch.no_grad(), eval_mode(", "with eval_mode("),
        "summed instead of averaged": (SUM, SUM.replace(" / predictions(data)", "")),
        "uneven chunks averaged": (
            SUM,
            'sum(data.loss(model, chunk, "mean").item() for chunk in chunks) / len(chunks)',
        ),
        "a smaller last chunk is dropped": (
            ".split(rows)",
            ".unfold(0, min(rows, len(lengths)), min(rows, len(lengths)))",
        ),
        "first chunk only": ("for chunk in chunks)", "for chunk in chunks[:1])"),
        "averaged over inputs": ("chunks) / predictions(data)", "chunks) / data[0].numel()"),
        "in bits": ("chunks) / predictions(data)", "chunks) / predictions(data) / math.log(2)"),
    },
}
