"""Mistakes in lib/convolution.py: target, then mistake, then the text that it replaces and the text that it puts there."""

SLICES = "return torch.cat([x[:, start : start + T_out] for start in starts], dim=2)"
BEFORE = "before = x[:, :1].expand(-1, layer.reach, -1)\n"
COPY = "conv.weight, conv.bias = copy.deepcopy(linear.weight), copy.deepcopy(linear.bias)"
RESIDUAL = "out = out + seen[..., -x.shape[2] :]"

WRONG = {
    "CausalConv1d": {
        "padding='same'": (
            "    T_out = x.shape[1] - layer.reach\n    if",
            "    x = torch.nn.functional.pad(x, (0, 0, layer.reach // 2, layer.reach - layer.reach // 2))\n"
            "    T_out = x.shape[1] - layer.reach\n    if",
        ),
        "zeros before each layer": (
            "    T_out = x.shape[1] - layer.reach\n    if",
            "    x = torch.nn.functional.pad(x, (0, 0, layer.reach, 0))\n    T_out = x.shape[1] - layer.reach\n    if",
        ),
        "shifted by one into the past": (SLICES, SLICES.replace("x[:, start", "x.roll(1, 1)[:, start")),
        "shifted by one into the future": (SLICES, SLICES.replace("x[:, start", "x.roll(-1, 1)[:, start")),
        "latest first": ("for start in starts]", "for start in reversed(starts)]"),
        "dilation off by one": (
            "self.kernel_size, self.dilation = kernel_size, dilation\n",
            "self.kernel_size, self.dilation = kernel_size, dilation + 1\n",
        ),
        "dilation ignored": ("range(0, layer.reach + 1, layer.dilation)", "range(0, layer.kernel_size)"),
        "a stride of the kernel": (
            SLICES,
            "return torch.cat([x[:, start : start + T_out : layer.kernel_size] for start in starts], dim=2)",
        ),
        "channels of the taps interleaved": (
            SLICES,
            "return torch.stack([x[:, start : start + T_out] for start in starts], dim=3).flatten(2)",
        ),
        "one output too few": ("T_out = x.shape[1] - layer.reach\n", "T_out = x.shape[1] - layer.reach - 1\n"),
        "bias left out": ("F.linear(seen, self.weight, self.bias)", "F.linear(seen, self.weight)"),
        "bias always": (
            "nn.Linear(kernel_size * in_channels, out_channels, bias)",
            "nn.Linear(kernel_size * in_channels, out_channels)",
        ),
        "starts as if it had one tap": (
            "self.weight, self.bias = linear.weight, linear.bias",
            "self.weight, self.bias = nn.Parameter(linear.weight.data * kernel_size), linear.bias",
        ),
        "output not kept": (
            "        self.out = F.linear(seen, self.weight, self.bias)\n        return self.out",
            "        return F.linear(seen, self.weight, self.bias)",
        ),
        "takes a kernel of 0": (
            '(sizes | {"kernel_size": kernel_size, "dilation": dilation})',
            '(sizes | {"dilation": dilation})',
        ),
        "takes a dilation of 0": (
            '(sizes | {"kernel_size": kernel_size, "dilation": dilation})',
            '(sizes | {"kernel_size": kernel_size})',
        ),
        "no word on too short input": ("    if T_out < 1:\n", "    if T_out < 0:\n"),
        "no word on torch's layout": ("if x.ndim != 3 or x.shape[2] != self.in_channels:", "if x.ndim != 3:"),
        "no word on 2-D input": ("if x.ndim != 3 or x.shape[2] !=", "if x.ndim == 3 and x.shape[2] !="),
    },
    "receptive_field": {
        "one too few": ("return 1 + (kernel_size - 1) * sum(dilations)", "return (kernel_size - 1) * sum(dilations)"),
        "kernel instead of reach": ("return 1 + (kernel_size - 1) * sum", "return 1 + kernel_size * sum"),
        "the largest dilation only": ("sum(dilations)\n", "max(dilations, default=0)\n"),
        "takes a dilation of 0": (
            "if kernel_size < 1 or any(dilation < 1 for",
            "if kernel_size < 1 or any(dilation < 0 for",
        ),
        "takes a kernel of 0": ("if kernel_size < 1 or any(", "if kernel_size < 0 or any("),
        "of a net, one too few": ("return 1 + sum(conv.reach", "return sum(conv.reach"),
        "of a net, by dilations": ("sum(conv.reach for", "sum(conv.dilation for"),
    },
    "repeating_taps": {
        "zeros instead": (BEFORE, BEFORE.replace("expand(-1, layer.reach, -1)", "expand(-1, layer.reach, -1) * 0")),
        "the last time step instead": (BEFORE, BEFORE.replace("x[:, :1]", "x[:, -1:]")),
        "behind instead of before": ("torch.cat([before, x], dim=1)", "torch.cat([x, before], dim=1)"),
        "a kernel's length only": (BEFORE, BEFORE.replace("layer.reach", "layer.kernel_size - 1")),
    },
    "staged_to_dilated": {
        "dilations doubled whatever the stages join": (
            "spacing, channels = spacing * layer.flatten.n, ",
            "spacing, channels = spacing * 2, ",
        ),
        "dilation off by one": (
            "linear.out_features, flatten.n, spacing)",
            "linear.out_features, flatten.n, spacing + 1)",
        ),
        "all dilations 1": ("linear.out_features, flatten.n, spacing)", "linear.out_features, flatten.n)"),
        "flat layers not counted in the spacing": (
            "spacing, channels = spacing * layer.n, linear.out_features",
            "channels = linear.out_features",
        ),
        "residual from the left-hand neighbour": (RESIDUAL, "out = out + seen[..., : x.shape[2]]"),
        "residual from the first positions": (RESIDUAL, "out = out + x[:, : out.shape[1]]"),
        "residual from the time step before": (
            RESIDUAL,
            "out = out + x[:, -out.shape[1] - 1 : -1]",
        ),
        "residual left out": (RESIDUAL, "out = out + 0"),
        "residual everywhere": (
            "copy.deepcopy(stage.activation), stage.residual)",
            "copy.deepcopy(stage.activation), True)",
        ),
        "buffers not copied": (
            "return DilatedStage(conv, copy.deepcopy(stage.norm),",
            "return DilatedStage(conv, BatchNorm1d(conv.out_channels).to(conv.weight),",
        ),
        "buffers shared": (
            "return DilatedStage(conv, copy.deepcopy(stage.norm),",
            "return DilatedStage(conv, stage.norm,",
        ),
        "activation shared": ("copy.deepcopy(stage.activation), stage.residual)", "stage.activation, stage.residual)"),
        "weights shared": (COPY, "conv.weight, conv.bias = linear.weight, linear.bias"),
        "embedding and head shared": ("layers[name] = copy.deepcopy(layer)\n", "layers[name] = layer\n"),
        "weights not copied": (COPY, "conv.bias = copy.deepcopy(linear.bias)"),
        "taps the other way round": (
            COPY,
            COPY + "\n    conv.weight.data = conv.weight.data.view(-1, flatten.n, channels).flip(1).flatten(1)",
        ),
        "activation before the norm": (
            "self.activation(self.norm(self.conv.combine(seen)))",
            "self.norm(self.activation(self.conv.combine(seen)))",
        ),
        "always tanh": ("copy.deepcopy(stage.activation), stage", "nn.Tanh(), stage"),
        "comes in the mode of the tree": ("    return net.eval()", "    return net.train(model.training)"),
        "a context that the stages don't join is taken": (
            'if getattr(model, "context", net.context) != net.context:',
            "if False:",
        ),
        "a layer over several positions is taken": (
            "if why or among_others.shape != alone.shape or not torch.allclose(among_others, alone, atol=1e-6):",
            "if why:",
        ),
        "a layer that can't run is taken": (
            'why = f" ({type(error).__name__}: {error})"\n',
            "return channels\n",
        ),
        "activations are not looked at": (
            '    _channels_after(f"{name}.activation", stage.activation, conv.out_channels)\n',
            "",
        ),
        "takes time steps for channels": ("T = channels + 1  #", "T = channels  #"),
        "bare stages are taken": ("if type(linear) is not nn.Linear:", "if not isinstance(linear, nn.Module):"),
        "features are not compared": ("if linear.in_features != flatten.n * channels:", "if False:"),
        "no embedding needed": (" or not isinstance(model[0], nn.Embedding):", ":"),
    },
}
