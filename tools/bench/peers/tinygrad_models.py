"""The benchmark's models in tinygrad. A function per model takes sslc's weights by name, as tensors, and returns its loss
over a batch, and the optimizer."""

import numpy as np
from tinygrad import Context, Tensor, TinyJit
from tinygrad.nn import optim


def linear(w, name, x):
    return x.linear(w[name + ".w"], w.get(name + ".b"))


def conv(w, name, x, stride=1, padding=0):
    return x.conv2d(w[name + ".w"], w.get(name + ".b"), stride=stride, padding=padding)


def batch_norm(w, name, x):
    """As tinygrad.nn.BatchNorm has it."""
    axes = tuple(i for i in range(x.ndim) if i != 1)
    count = x.numel() // x.shape[1]
    mean = x.mean(axis=axes)
    y = x - mean.detach().reshape(1, -1, *[1] * (x.ndim - 2))
    var = (y * y).mean(axis=axes)
    for key, value in ((".running_mean", mean), (".running_var", var * (count / (count - 1)))):
        w[name + key].assign(0.9 * w[name + key] + 0.1 * value.detach())
    return x.batchnorm(w[name + ".scale"], w[name + ".shift"], mean, var.add(1e-5).rsqrt())


def layer_norm(w, name, x):
    return x.layernorm(eps=1e-5) * w[name + ".scale"] + w[name + ".shift"]


def attention(w, name, x, heads, causal):
    b, t, d = x.shape
    q, k, v = (part.reshape(b, t, heads, -1).transpose(1, 2) for part in linear(w, name + ".linear", x).split(d, dim=2))
    mixed = q.scaled_dot_product_attention(k, v, is_causal=causal)
    return linear(w, name + ".linear_1", mixed.transpose(1, 2).reshape(b, t, d))


def gelu(x):
    return 0.5 * x * (1 + (x * 0.5**0.5).erf())


def block(w, name, x, heads, causal=False):
    """A block of a transformer: attention and an MLP of two layers, each after a layer norm."""
    x = x + attention(w, name + ".0.f.1", layer_norm(w, name + ".0.f.0", x), heads, causal)
    y = linear(w, name + ".1.f.1.linear", layer_norm(w, name + ".1.f.0", x))
    return x + linear(w, name + ".1.f.1.linear_1", gelu(y))


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


def gpt(w):
    def loss(x):
        y = w["encoder.0.param"][x[:, :-1]] + w["encoder.1.param"]
        for i in range(4):
            y = block(w, f"encoder.2.{i}", y, 4, causal=True)
        y = linear(w, "encoder.4", layer_norm(w, "encoder.3", y))
        return y.flatten(0, 1).sparse_categorical_crossentropy(x[:, 1:].flatten())

    return loss, optim.AdamW(list(w.values()), lr=0.001, weight_decay=0.1)


def vit(w):
    def loss(x):
        patches = x[:, :3072].reshape(-1, 8, 4, 8, 4, 3).transpose(2, 3).reshape(-1, 64, 48)
        order = x[:, 3072:].argsort(dim=1)
        rank = order.argsort(dim=1)
        y = linear(w, "embed.0", patches) + w["embed.1.param"]
        y = y.gather(1, order[:, :16].unsqueeze(2).expand(-1, -1, 192))
        for i in range(6):
            y = block(w, f"encoder.0.{i}", y, 3)
        y = linear(w, "narrow.0", layer_norm(w, "encoder.1", y))
        y = y.cat(w["blank.0.param"].expand(len(x), 48, 192), dim=1)
        y = y.gather(1, rank.unsqueeze(2).expand(-1, -1, 192)) + w["decoder.0.param"]
        y = linear(w, "decoder.3", layer_norm(w, "decoder.2", block(w, "decoder.1", y, 3)))
        hidden = (rank >= 16).float()
        return (((y - patches) ** 2).mean(2) * hidden).sum() / hidden.sum()

    return loss, optim.AdamW(list(w.values()), lr=0.001, weight_decay=0.05)


def resnet(w):
    def conv_norm(name, x, kernel, stride=1):
        return batch_norm(w, name + ".1", conv(w, name + ".0", x, stride, kernel // 2))

    def residual(name, x, stride):
        y = conv_norm(name + ".conv_norm_1", conv_norm(name + ".conv_norm", x, 3, stride).relu(), 3)
        return (y + (conv_norm(name + ".conv_norm_2", x, 1, stride) if stride > 1 else x)).relu()

    def loss(x, label):
        y = conv_norm("encoder.0", x.permute(0, 3, 1, 2), 3).relu()
        for i in range(2, 10):
            y = residual(f"encoder.{i}", y, 2 if i in (4, 6, 8) else 1)
        return linear(w, "head.0", y.mean((2, 3))).sparse_categorical_crossentropy(label)

    return loss, optim.SGD(list(w.values()), lr=0.001, momentum=0.9, weight_decay=0.0005)


def audio(w):
    def loss(x):
        y = x.unsqueeze(1)
        for i, stride in enumerate((5, 4, 2, 2)):
            y = gelu(batch_norm(w, f"encoder.{i}.1", conv(w, f"encoder.{i}.0", y, stride)))
        return mse(linear(w, "predictor.0", y[:, :, :197].transpose(1, 2)), x.reshape(-1, 200, 80)[:, 3:])

    return loss, optim.Adam(list(w.values()), lr=0.001)


MODELS = {"seed": seed, "mlp": mlp, "conv": resnet, "vit": vit, "gpt": gpt, "audio": audio}


def tensor(key, array):
    """A parameter or a running statistic. Kernels [kernel..., inputs, channels] become [channels, inputs, kernel...]."""
    if array.ndim > 2:
        array = array.transpose(-1, -2, *range(array.ndim - 2))
    return Tensor(np.ascontiguousarray(array)).is_param_(".running_" not in key)


def start(name, weights, options):
    """A step of training as one captured graph of kernels."""
    w = {key: tensor(key, value) for key, value in weights.items()}
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
