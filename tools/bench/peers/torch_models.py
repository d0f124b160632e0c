"""The benchmark's models in PyTorch. A function per model takes sslc's weights by name and returns the network, its loss
over a batch, and the optimizer."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def linear(w, name):
    """sslc's linear: its weight is [inputs, units]."""
    weight = torch.from_numpy(w[name + ".w"])
    layer = nn.Linear(*weight.shape, bias=name + ".b" in w)
    with torch.no_grad():
        layer.weight.copy_(weight.T)
        if name + ".b" in w:
            layer.bias.copy_(torch.from_numpy(w[name + ".b"]))
    return layer


def adam(net, lr):
    return torch.optim.Adam(net.parameters(), lr=lr, fused=True)


def seed(w):
    net = nn.Sequential(linear(w, "encoder.0"), nn.ReLU(), linear(w, "decoder.0"), nn.Sigmoid())
    return net, lambda x: F.mse_loss(net(x), x), adam(net, 0.01)


def mlp(w):
    net = nn.Sequential(
        linear(w, "encoder.0"), nn.ReLU(), linear(w, "encoder.2"), nn.ReLU(),
        linear(w, "decoder.0"), nn.ReLU(), linear(w, "decoder.2"),
    )  # fmt: skip
    return net, lambda x: F.mse_loss(net(x), x), adam(net, 0.001)


MODELS = {f.__name__: f for f in (seed, mlp)}


def start(name, weights, options):
    """A step of training, of the model as it stands or compiled."""
    torch.set_num_threads(options["threads"])
    net, loss_of, optimizer = MODELS[name](weights)
    net.train()
    update = optimizer.step
    if options.get("compiled"):
        for group in optimizer.param_groups:
            group["fused"] = False  # the compiler fuses it, with less to do for every call
        loss_of, update = torch.compile(loss_of), torch.compile(optimizer.step)

    def step(batch):
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        update()
        return loss

    return step


def batch(arrays):
    return [torch.from_numpy(np.ascontiguousarray(a)) for a in arrays]


def value(loss):
    return loss.item()
