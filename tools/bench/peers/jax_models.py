"""The benchmark's models in JAX. A function per model returns its loss and its optimizer; the loss takes the parameters
and the running statistics by sslc's names and a batch, and returns the loss and the next statistics."""

import jax
import jax.numpy as jnp


def linear(p, name, x):
    y = x @ p[name + ".w"]
    return y + p[name + ".b"] if name + ".b" in p else y


def mse(x, y):
    return jnp.mean((x - y) ** 2)


# -- Optimizers: (first state, next parameters and state) ----------------------------------------------------------


def adam(lr, decay=0.0, b1=0.9, b2=0.999, eps=1e-8):
    def first(p):
        zeros = jax.tree.map(jnp.zeros_like, p)
        return zeros, jax.tree.map(jnp.zeros_like, p), jnp.zeros((), jnp.float32)

    def update(p, g, state):
        m, v, t = state
        t = t + 1
        m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, g)
        v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, g)
        rate, root = lr / (1 - b1**t), jnp.sqrt(1 - b2**t)
        p = jax.tree.map(lambda p, m, v: p * (1 - lr * decay) - rate * m / (jnp.sqrt(v) / root + eps), p, m, v)
        return p, (m, v, t)

    return first, update


# -- Models --------------------------------------------------------------------------------------------------------


def seed():
    def loss(p, s, x):
        y = jax.nn.relu(linear(p, "encoder.0", x))
        return mse(jax.nn.sigmoid(linear(p, "decoder.0", y)), x), s

    return loss, adam(0.01)


def mlp():
    def loss(p, s, x):
        y = x
        for name in ("encoder.0", "encoder.2", "decoder.0"):
            y = jax.nn.relu(linear(p, name, y))
        return mse(linear(p, "decoder.2", y), x), s

    return loss, adam(0.001)


MODELS = {f.__name__: f for f in (seed, mlp)}


def start(name, weights, options):
    """A jitted step of training; what it carries from step to step is donated, so it is updated in place."""
    loss_of, (first, update) = MODELS[name]()
    params = {key: jnp.array(x) for key, x in weights.items() if ".running_" not in key}
    statistics = {key: jnp.array(x) for key, x in weights.items() if ".running_" in key}
    gradient = jax.value_and_grad(loss_of, has_aux=True)

    def train(carry, *batch):
        p, s, o = carry
        (loss, s), g = gradient(p, s, *batch)
        p, o = update(p, g, o)
        return (p, s, o), loss

    jitted = jax.jit(train, donate_argnums=0)
    carry = (params, statistics, first(params))

    def step(batch):
        nonlocal carry
        carry, loss = jitted(carry, *batch)
        return loss

    return step


def batch(arrays):
    return [jnp.array(a) for a in arrays]


def value(loss):
    return float(loss)
