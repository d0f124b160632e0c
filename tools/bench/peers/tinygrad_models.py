"""The benchmark's models in tinygrad. A function per model takes sslc's weights by name, as tensors, and returns its loss
over a batch, and the optimizer."""

import numpy as np
from tinygrad import Context, Tensor, TinyJit
from tinygrad.nn import optim


def linear(w, name, x):
    return x.linear(w[name + ".w"], w.get(name + ".b"))


def mse(x, y):
    return ((x - y) ** 2).mean()


def seed(w):
    def loss(x):
        y = linear(w, "encoder.0", x).relu()
        return mse(linear(w, "decoder.0", y).sigmoid(), x)

    return loss, optim.Adam(list(w.values()), lr=0.01)


def mlp(w):
    def loss(x):
        y = x
        for name in ("encoder.0", "encoder.2", "decoder.0"):
            y = linear(w, name, y).relu()
        return mse(linear(w, "decoder.2", y), x)

    return loss, optim.Adam(list(w.values()), lr=0.001)


MODELS = {f.__name__: f for f in (seed, mlp)}


def start(name, weights, options):
    """A step of training as one captured graph of kernels."""
    w = {key: Tensor(np.ascontiguousarray(value)).is_param_() for key, value in weights.items()}
    loss_of, optimizer = MODELS[name](w)

    @TinyJit
    def train(*batch):
        optimizer.zero_grad()
        loss = loss_of(*batch).backward()
        return loss.realize(*optimizer.schedule_step())

    def step(batch):
        with Context(TRAINING=1):
            return train(*batch)

    return step


def batch(arrays):
    return [Tensor(np.ascontiguousarray(a)).realize() for a in arrays]


def value(loss):
    return loss.item()
