"""The module of PyTorch that a case of ../space.py describes: a function a kind of layer takes sslc's weights, the name
of the layer, the numbers of the description and the number of axes of a sample, and returns a module."""

import torch
from torch import nn
from torch.nn import functional as F

from torch_models import Block, adam, batch_norm, conv, layer_norm, linear, parameter


def convolution(w, name, numbers, axes):
    _, kernel, stride, groups, _ = numbers
    return conv(w, name, stride, (kernel - 1) // 2, groups)


class Mean(nn.Module):
    """The mean of all places, [batch, channels]: of images and series channels are first here."""

    def __init__(self, axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        return x.mean(self.axes)


class Positions(nn.Module):
    def __init__(self, w, name):
        super().__init__()
        self.positions = parameter(w, name + ".positions")

    def forward(self, x):
        return x + self.positions


class Embed(nn.Module):
    def __init__(self, w, name):
        super().__init__()
        self.table = parameter(w, name + ".w")

    def forward(self, x):
        return F.embedding(x, self.table)


def block(w, name, heads, causal):
    norms = (name + ".layer_norm", name + ".layer_norm_1")
    return Block(w, norms, name + ".attention", name + ".mlp", heads, causal)


class Recurrent(nn.Module):
    """PyTorch's own layer. It has a second bias, which sslc has for a GRU's new state alone: the rest of it stays zero."""

    def __init__(self, w, name, kind):
        super().__init__()
        given, units = w[name + ".w"].shape[0], w[name + ".u"].shape[0]
        self.layer = kind(given, units, batch_first=True)
        second = torch.zeros_like(self.layer.bias_hh_l0)
        kept = torch.zeros_like(second)
        if kind is nn.GRU:
            second[2 * units :] = torch.from_numpy(w[name + ".b_new"])
            kept[2 * units :] = 1
        with torch.no_grad():
            self.layer.weight_ih_l0.copy_(torch.from_numpy(w[name + ".w"]).T)
            self.layer.weight_hh_l0.copy_(torch.from_numpy(w[name + ".u"]).T)
            self.layer.bias_ih_l0.copy_(torch.from_numpy(w[name + ".b"]))
            self.layer.bias_hh_l0.copy_(second)
        self.layer.bias_hh_l0.register_hook(lambda gradient: gradient * kept)

    def forward(self, x):
        return self.layer(x)[0]


class Pool(nn.Module):
    """The largest of so many places."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        return F.max_pool2d(x, self.size) if x.dim() == 4 else F.max_pool1d(x, self.size)


def group_norm(w, name, groups):
    layer = nn.GroupNorm(groups, w[name + ".scale"].shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w[name + ".scale"]))
        layer.bias.copy_(torch.from_numpy(w[name + ".shift"]))
    return layer


NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d}

LAYERS = {
    "conv": convolution,
    "linear": lambda w, name, numbers, axes: linear(w, name),
    "block": lambda w, name, numbers, axes: block(w, name, numbers[0], False),
    "causal_block": lambda w, name, numbers, axes: block(w, name, numbers[0], True),
    "embed": lambda w, name, numbers, axes: Embed(w, name),
    "positions": lambda w, name, numbers, axes: Positions(w, name),
    "gru": lambda w, name, numbers, axes: Recurrent(w, name, nn.GRU),
    "lstm": lambda w, name, numbers, axes: Recurrent(w, name, nn.LSTM),
    "batch_norm": lambda w, name, numbers, axes: batch_norm(w, name, NORMS[axes]),
    "layer_norm": lambda w, name, numbers, axes: layer_norm(w, name),
    "group_norm": lambda w, name, numbers, axes: group_norm(w, name, numbers[0]),
    "max_pool": lambda w, name, numbers, axes: Pool(numbers[0]),
    "flatten": lambda w, name, numbers, axes: nn.Flatten(),
    "relu": lambda w, name, numbers, axes: nn.ReLU(),
    "gelu": lambda w, name, numbers, axes: nn.GELU(),
}


FIRST = ("conv", "batch_norm", "group_norm", "relu", "gelu", "max_pool")  # layers that take channels first


def is_convolution(case):
    """True if the channels of a sample are first in PyTorch's shapes."""
    return case["layers"][0][0] == "conv"


class First(nn.Module):
    """Channels first."""

    def forward(self, x):
        return x.movedim(-1, 1)


class Last(nn.Module):
    """Channels last."""

    def forward(self, x):
        return x.movedim(1, -1)


def network(case, w):
    """The network, of batches as `batch` makes them."""
    axes, layers, is_first = len(case["shape"]), [], is_convolution(case)
    for i, (kind, *numbers) in enumerate(case["layers"]):
        if kind == "mean_pool":
            layers.append(Mean(list(range(2, axes + 1) if is_first else range(1, max(2, axes)))))
            axes, is_first = 1, False
            continue
        if kind == "conv" and not is_first:
            layers.append(First())
            is_first = True
        if is_first and kind not in FIRST:
            layers.append(Last())
            is_first = False
        layers.append(LAYERS[kind](w, f"net.{i}", numbers, axes))
    return nn.Sequential(*layers)


def optimizer(case, net):
    """adamw's decay leaves out what has one axis."""
    if case["optimizer"] == "adam":
        return adam(net, 0.001)
    if case["optimizer"] == "sgd":
        return torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, fused=True)
    parts = [[p for p in net.parameters() if (p.dim() > 1) == decayed] for decayed in (True, False)]
    groups = [{"params": part, "weight_decay": decay} for part, decay in zip(parts, (0.01, 0.0)) if part]
    return torch.optim.AdamW(groups, lr=0.001, fused=True)


def build(case, w):
    """The network, its loss over a batch, and the optimizer."""
    net = network(case, w)
    if case["goal"] == "same":
        loss = lambda x: F.mse_loss(net(x), x)  # noqa: E731
    elif case["goal"] == "label":
        loss = lambda x, label: F.cross_entropy(net(x), label)  # noqa: E731
    elif case["kinds"]:
        loss = lambda x: F.cross_entropy(net(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())  # noqa: E731
    else:
        loss = lambda x: F.mse_loss(net(x[:, :-1]), x[:, 1:])  # noqa: E731
    return net, loss, optimizer(case, net)


def batch(case, arrays):
    """Integers as PyTorch wants them; channels first, which lie innermost all the same in images."""
    x, *label = [torch.from_numpy(a) for a in arrays]
    if is_convolution(case):
        x = x.movedim(-1, 1)
        x = x if x.dim() == 4 else x.contiguous()
    return [(t if t.is_floating_point() else t.long()) for t in (x, *label)]
