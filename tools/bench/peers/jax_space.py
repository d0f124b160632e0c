"""The loss in JAX that a case of ../space.py describes: a function a kind of layer takes the parameters, the running
statistics, the name of the layer, its input and the numbers of the description, and returns its output."""

import functools

import jax
import jax.numpy as jnp

from jax_models import adam, batch_norm, block, conv, cross_entropy, layer_norm, linear, mse, sgd


def convolution(p, s, name, x, channels, kernel, stride, groups, _):
    return conv(p, name, x, stride, (kernel - 1) // 2, groups)


def recurrent(cell, states):
    """A layer through time: `cell` makes the next states and the output, which is the first of them, of what the inputs
    and the last output give to the gates."""

    def layer(p, s, name, x, units):
        given = linear(p, name, x).swapaxes(0, 1)
        zero = jnp.zeros((len(x), units), x.dtype)

        def step(state, here):
            state = cell(p, name, here, state)
            return state, state[0]

        return jax.lax.scan(step, (zero,) * states, given)[1].swapaxes(0, 1)

    return layer


def gru(p, name, given, state):
    (h,) = state
    gr, gz, gn = jnp.split(given, 3, axis=-1)
    hr, hz, hn = jnp.split(h @ p[name + ".u"], 3, axis=-1)
    r, z = jax.nn.sigmoid(gr + hr), jax.nn.sigmoid(gz + hz)
    new = jnp.tanh(gn + r * (hn + p[name + ".b_new"]))
    return (new + z * (h - new),)


def lstm(p, name, given, state):
    h, c = state
    i, f, g, o = jnp.split(given + h @ p[name + ".u"], 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def group_norm(p, s, name, x, groups):
    y = x.reshape(len(x), -1, groups, x.shape[-1] // groups)
    y = y - y.mean((1, 3), keepdims=True)
    y = y * jax.lax.rsqrt((y * y).mean((1, 3), keepdims=True) + 1e-5)
    return y.reshape(x.shape) * p[name + ".scale"] + p[name + ".shift"]


def max_pool(p, s, name, x, size):
    window = (1, *[size] * (x.ndim - 2), 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")


def transformer(p, s, name, x, heads, causal):
    names = (name + ".layer_norm", name + ".attention", name + ".layer_norm_1", name + ".mlp")
    return block(p, names, x, heads, causal)


LAYERS = {
    "conv": convolution,
    "linear": lambda p, s, name, x, *_: linear(p, name, x),
    "block": functools.partial(transformer, causal=False),
    "causal_block": functools.partial(transformer, causal=True),
    "embed": lambda p, s, name, x, *_: p[name + ".w"][x],
    "positions": lambda p, s, name, x: x + p[name + ".positions"],
    "gru": recurrent(gru, 1),
    "lstm": recurrent(lstm, 2),
    "batch_norm": batch_norm,
    "layer_norm": lambda p, s, name, x: layer_norm(p, name, x),
    "group_norm": group_norm,
    "mean_pool": lambda p, s, name, x: x.mean(range(1, max(2, x.ndim - 1))),
    "max_pool": max_pool,
    "flatten": lambda p, s, name, x: x.reshape(len(x), -1),
    "relu": lambda p, s, name, x: jax.nn.relu(x),
    "gelu": lambda p, s, name, x: jax.nn.gelu(x, approximate=False),
}

OPTIMIZERS = {
    "adam": lambda: adam(0.001),
    "adamw": lambda: adam(0.001, decay=0.01, least_axes=2),
    "sgd": lambda: sgd(0.01, momentum=0.9, decay=0.0),
}


def build(case):
    """The loss and the optimizer."""

    def net(p, s, x):
        for i, (kind, *numbers) in enumerate(case["layers"]):
            x = LAYERS[kind](p, s, f"net.{i}", x, *numbers)
        return x

    def loss(p, s, x, *label):
        s = dict(s)
        if case["goal"] == "same":
            return mse(net(p, s, x), x), s
        if case["goal"] == "label":
            return cross_entropy(net(p, s, x), *label), s
        measure = cross_entropy if case["kinds"] else mse
        return measure(net(p, s, x[:, :-1]), x[:, 1:]), s

    return loss, OPTIMIZERS[case["optimizer"]]()


def batch(case, arrays):
    return [jnp.array(a) for a in arrays]
