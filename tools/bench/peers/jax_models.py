"""The benchmark's models in JAX. A function per model returns its loss and its optimizer; the loss takes the parameters
and the running statistics by sslc's names and a batch, and returns the loss and the next statistics."""

import jax
import jax.numpy as jnp


def linear(p, name, x):
    """The leading axes as one: XLA's products are faster so."""
    y = x.reshape(-1, x.shape[-1]) @ p[name + ".w"]
    y = y + p[name + ".b"] if name + ".b" in p else y
    return y.reshape(*x.shape[:-1], -1)


def conv(p, name, x, stride=1, padding=0, groups=1):
    kind = ("NHWC", "HWIO", "NHWC") if x.ndim == 4 else ("NHC", "HIO", "NHC")
    axes = x.ndim - 2
    y = jax.lax.conv_general_dilated(x, p[name + ".w"], [stride] * axes, [(padding, padding)] * axes,
                                     dimension_numbers=kind, feature_group_count=groups)  # fmt: skip
    return y + p[name + ".b"] if name + ".b" in p else y


def batch_norm(p, s, name, x):
    """The next running statistics go into s."""
    axes = tuple(range(x.ndim - 1))
    count = x.size // x.shape[-1]
    mean = x.mean(axes)
    x = x - mean
    var = (x * x).mean(axes)
    for key, value in ((".running_mean", mean), (".running_var", var * count / (count - 1))):
        s[name + key] = 0.9 * s[name + key] + 0.1 * jax.lax.stop_gradient(value)
    return x * (jax.lax.rsqrt(var + 1e-5) * p[name + ".scale"]) + p[name + ".shift"]


def layer_norm(p, name, x):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p[name + ".scale"] + p[name + ".shift"]


def attention(p, name, x, heads, causal):
    b, t, d = x.shape
    q, k, v = (part.reshape(b, t, heads, -1) for part in jnp.split(linear(p, name + ".linear", x), 3, axis=2))
    mixed = jax.nn.dot_product_attention(q, k, v, is_causal=causal)
    return linear(p, name + ".linear_1", mixed.reshape(b, t, d))


def block(p, names, x, heads, causal=False):
    """A block of a transformer: attention and an MLP of two layers, each after a layer norm; in `names` after its norm's."""
    norm, attended, norm_1, mlp = names
    x = x + attention(p, attended, layer_norm(p, norm, x), heads, causal)
    y = linear(p, mlp + ".linear", layer_norm(p, norm_1, x))
    return x + linear(p, mlp + ".linear_1", jax.nn.gelu(y, approximate=False))


def residuals(name):
    """The names of sslc's transformer_block: two residuals."""
    return name + ".0.f.0", name + ".0.f.1", name + ".1.f.0", name + ".1.f.1"


def mse(x, y):
    return jnp.mean((x - y) ** 2)


def cross_entropy(logits, label):
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), label[..., None], axis=-1)
    return -picked.mean()


# -- Optimizers: (first state, next parameters and state) ----------------------------------------------------------


def adam(lr, decay=0.0, b1=0.9, b2=0.999, eps=1e-8, least_axes=0):
    """AdamW; what has fewer axes does not decay."""

    def first(p):
        zeros = jax.tree.map(jnp.zeros_like, p)
        return zeros, jax.tree.map(jnp.zeros_like, p), jnp.zeros((), jnp.float32)

    def update(p, g, state):
        m, v, t = state
        t = t + 1
        m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, m, g)
        v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, v, g)
        rate, root = lr / (1 - b1**t), jnp.sqrt(1 - b2**t)

        def moved(p, m, v):
            kept = 1 - lr * decay * (p.ndim >= least_axes)
            return p * kept - rate * m / (jnp.sqrt(v) / root + eps)

        return jax.tree.map(moved, p, m, v), (m, v, t)

    return first, update


def sgd(lr, momentum, decay):
    def first(p):
        return jax.tree.map(jnp.zeros_like, p)

    def update(p, g, v):
        v = jax.tree.map(lambda p, g, v: momentum * v + g + decay * p, p, g, v)
        return jax.tree.map(lambda p, v: p - lr * v, p, v), v

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
            y = block(p, residuals(f"encoder.2.{i}"), y, 4, causal=True)
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
            y = block(p, residuals(f"encoder.0.{i}"), y, 3)
        y = linear(p, "narrow.0", layer_norm(p, "encoder.1", y))
        y = jnp.concatenate([y, jnp.broadcast_to(p["blank.0.param"], (len(x), 48, 192))], axis=1)
        y = jnp.take_along_axis(y, rank[:, :, None], axis=1) + p["decoder.0.param"]
        y = linear(p, "decoder.3", layer_norm(p, "decoder.2", block(p, residuals("decoder.1"), y, 3)))
        hidden = (rank >= 16).astype(jnp.float32)
        return (((y - patches) ** 2).mean(2) * hidden).sum() / hidden.sum(), s

    return loss, adam(0.001, decay=0.05)


def resnet():
    def conv_norm(p, s, name, x, kernel, stride=1):
        return batch_norm(p, s, name + ".1", conv(p, name + ".0", x, stride, kernel // 2))

    def residual(p, s, name, x, stride):
        y = jax.nn.relu(conv_norm(p, s, name + ".conv_norm", x, 3, stride))
        y = conv_norm(p, s, name + ".conv_norm_1", y, 3)
        return jax.nn.relu(y + (conv_norm(p, s, name + ".conv_norm_2", x, 1, stride) if stride > 1 else x))

    def loss(p, s, x, label):
        s = dict(s)
        y = jax.nn.relu(conv_norm(p, s, "encoder.0", x, 3))
        for i in range(2, 10):
            y = residual(p, s, f"encoder.{i}", y, 2 if i in (4, 6, 8) else 1)
        return cross_entropy(linear(p, "head.0", y.mean((1, 2))), label), s

    return loss, sgd(0.001, momentum=0.9, decay=0.0005)


def audio():
    def loss(p, s, x):
        s, y = dict(s), x[:, :, None]
        for i, stride in enumerate((5, 4, 2, 2)):
            y = conv(p, f"encoder.{i}.0", y, stride)
            y = jax.nn.gelu(batch_norm(p, s, f"encoder.{i}.1", y), approximate=False)
        return mse(linear(p, "predictor.0", y[:, :197]), x.reshape(-1, 200, 80)[:, 3:]), s

    return loss, adam(0.001)


MODELS = {"seed": seed, "mlp": mlp, "conv": resnet, "vit": vit, "gpt": gpt, "audio": audio}


def start(name, weights, options):
    """A jitted step of training; what it carries from step to step is donated, so it is updated in place."""
    loss_of, (first, update) = options.get("build", MODELS.get(name))()
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
