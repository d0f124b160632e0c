"""The benchmark's models in JAX. A function per model returns its loss and its optimizer; the loss takes the parameters
and the running statistics by sslc's names and a batch, and returns the loss and the next statistics."""

import jax
import jax.numpy as jnp


def linear(p, name, x):
    """The leading axes as one: XLA's products are faster so."""
    y = x.reshape(-1, x.shape[-1]) @ p[name + ".w"]
    y = y + p[name + ".b"] if name + ".b" in p else y
    return y.reshape(*x.shape[:-1], -1)


def layer_norm(p, name, x):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p[name + ".scale"] + p[name + ".shift"]


def attention(p, name, x, heads, causal):
    b, t, d = x.shape
    q, k, v = (part.reshape(b, t, heads, -1) for part in jnp.split(linear(p, name + ".linear", x), 3, axis=2))
    mixed = jax.nn.dot_product_attention(q, k, v, is_causal=causal)
    return linear(p, name + ".linear_1", mixed.reshape(b, t, d))


def block(p, name, x, heads, causal=False):
    """A block of a transformer: attention and an MLP of two layers, each after a layer norm."""
    x = x + attention(p, name + ".0.f.1", layer_norm(p, name + ".0.f.0", x), heads, causal)
    y = linear(p, name + ".1.f.1.linear", layer_norm(p, name + ".1.f.0", x))
    return x + linear(p, name + ".1.f.1.linear_1", jax.nn.gelu(y, approximate=False))


def mse(x, y):
    return jnp.mean((x - y) ** 2)


def cross_entropy(logits, label):
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), label[..., None], axis=-1)
    return -picked.mean()


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


def gpt():
    def loss(p, s, x):
        y = p["encoder.0.param"][x[:, :-1]] + p["encoder.1.param"]
        for i in range(4):
            y = block(p, f"encoder.2.{i}", y, 4, causal=True)
        y = linear(p, "encoder.4", layer_norm(p, "encoder.3", y))
        return cross_entropy(y, x[:, 1:]), s

    return loss, adam(0.001, decay=0.1)


def vit():
    def loss(p, s, x):
        patches = x[:, :3072].reshape(-1, 8, 4, 8, 4, 3).swapaxes(2, 3).reshape(-1, 64, 48)
        order = jnp.argsort(x[:, 3072:], axis=1)
        rank = jnp.argsort(order, axis=1)
        y = linear(p, "embed.0", patches) + p["embed.1.param"]
        y = jnp.take_along_axis(y, order[:, :16, None], axis=1)
        for i in range(6):
            y = block(p, f"encoder.0.{i}", y, 3)
        y = linear(p, "narrow.0", layer_norm(p, "encoder.1", y))
        y = jnp.concatenate([y, jnp.broadcast_to(p["blank.0.param"], (len(x), 48, 192))], axis=1)
        y = jnp.take_along_axis(y, rank[:, :, None], axis=1) + p["decoder.0.param"]
        y = linear(p, "decoder.3", layer_norm(p, "decoder.2", block(p, "decoder.1", y, 3)))
        hidden = (rank >= 16).astype(jnp.float32)
        return (((y - patches) ** 2).mean(2) * hidden).sum() / hidden.sum(), s

    return loss, adam(0.001, decay=0.05)


MODELS = {f.__name__: f for f in (seed, mlp, gpt, vit)}


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
