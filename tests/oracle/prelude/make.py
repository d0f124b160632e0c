"""The truth that tests/unit/test_prelude.c holds models/lib against: PyTorch's functions, and published formulas in NumPy
where PyTorch has none. Writes truth.safetensors: for a case its inputs, parameters and states (NAME/in/x), what comes out
(NAME/want) and the next values of its states (NAME/set/...). A case of several steps stacks them along axis 0.

python3 make.py   (PyTorch 2, NumPy, safetensors)
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)
truth = {}


def normal(*shape):
    return torch.from_numpy(rng.standard_normal(shape)).double()


def put(name, want, sets=None, **inputs):
    """Stores a case; inputs and states by the names that the model language gives them (. written as __)."""

    def array(x):
        x = np.asarray(x.detach() if isinstance(x, torch.Tensor) else x)
        return np.ascontiguousarray(x.astype(np.int32 if x.dtype.kind in "iu" else np.float64))

    truth[f"{name}/want"] = array(want)
    for key, value in inputs.items():
        truth[f"{name}/in/{key.replace('__', '.')}"] = array(value)
    for key, value in (sets or {}).items():
        truth[f"{name}/set/{key.replace('__', '.')}"] = array(value)


def activations():
    x = normal(4, 7) * 3
    for name in ("relu", "elu", "silu", "gelu", "softplus", "sigmoid"):
        put(name, getattr(torch if name == "sigmoid" else F, name)(x), x=x)
    put("leaky_relu", F.leaky_relu(x, 0.2), x=x)
    put("log_sigmoid", F.logsigmoid(x), x=x)
    big = x * 100
    put("softmax", F.softmax(big, -1), x=big)
    put("softmax_0", F.softmax(x, 0), x=x)
    put("log_softmax", F.log_softmax(big, -1), x=big)
    put("log_sum_exp", torch.logsumexp(big, -1, keepdim=True), x=big)


def statistics():
    x, y = normal(5, 6), normal(5, 6)
    put("mean", x.mean(), x=x)
    put("mean_axis", x.mean(1, keepdim=True), x=x)
    put("variance", x.var(0, unbiased=False), x=x)
    put("std", x.std(1, unbiased=False), x=x)
    put("norm", x.norm(dim=-1), x=x)
    put("normalize", F.normalize(x, dim=-1), x=x)
    put("argmax", x.argmax(-1), x=x)
    label = torch.tensor([0, 5, 2, 2, 1])
    put("one_hot", F.one_hot(label, 6).double(), x=label)
    put("accuracy", (x.argmax(-1) == label).double().mean(), x=x, label=label)
    put("cosine_similarity", F.cosine_similarity(x, y, dim=-1), x=x, y=y)


def losses():
    x, y, label = normal(6, 5), normal(6, 5), torch.tensor([0, 4, 2, 3, 3, 1])
    put("mse", F.mse_loss(x, y), x=x, y=y)
    put("l1", F.l1_loss(x, y), x=x, y=y)
    put("huber", F.huber_loss(x, y, delta=0.7), x=x, y=y)
    put("bce", F.binary_cross_entropy_with_logits(x, torch.sigmoid(y)), x=x, y=torch.sigmoid(y))
    put("cross_entropy", F.cross_entropy(x, label), x=x, label=label)
    a, b = x.numpy(), y.numpy()
    # Chen et al. 2020, equation 1, averaged over both views.
    z = np.concatenate([a, b])
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    s = np.exp(z @ z.T / 0.3)
    n = len(a)
    total = 0
    for i in range(2 * n):
        total -= np.log(s[i, (i + n) % (2 * n)] / (s[i].sum() - s[i, i]))
    put("nt_xent", np.float64(total / (2 * n)), x=x, y=y)
    # van den Oord et al. 2018, equation 4, with cosine similarities.
    q, k = a / np.linalg.norm(a, axis=1, keepdims=True), b / np.linalg.norm(b, axis=1, keepdims=True)
    e = np.exp(q @ k.T / 0.2)
    put("info_nce", -np.mean(np.log(np.diag(e) / e.sum(1))), x=x, y=y)
    # Grill et al. 2020, equation 2.
    put("byol_loss", np.mean(((q - k) ** 2).sum(1)), x=x, y=y)
    # Zbontar et al. 2021, equations 1 and 2.
    p, r = (a - a.mean(0)) / a.std(0), (b - b.mean(0)) / b.std(0)
    c = p.T @ r / n
    put("barlow_twins", ((np.diag(c) - 1) ** 2).sum() + 0.01 * (c**2).sum() - 0.01 * (np.diag(c) ** 2).sum(), x=x, y=y)

    # Bardes et al. 2022, equations 1 to 6; the variance over n, as the library has it.
    def spread(v):
        return np.maximum(0, 1 - np.sqrt(v.var(0) + 1e-4)).mean()

    def decorrelation(v):
        m = np.cov(v.T)
        return ((m**2).sum() - (np.diag(m) ** 2).sum()) / v.shape[1]

    put("vicreg", 25 * ((a - b) ** 2).mean() + 25 * (spread(a) + spread(b)) / 2 + decorrelation(a) + decorrelation(b), x=x, y=y)


def layers():
    x, w, b = normal(3, 4, 5), normal(5, 6), normal(6)
    put("linear", x @ w + b, x=x, linear__w=w, linear__b=b)
    table, at = normal(9, 4), torch.tensor([[1, 8], [0, 3]])
    put("embedding", F.embedding(at, table), x=at, embedding__w=table)
    scale, shift = normal(5), normal(5)
    put("layer_norm", F.layer_norm(x, (5,), scale, shift), x=x, layer_norm__scale=scale, layer_norm__shift=shift)
    put("rms_norm", F.rms_norm(x, (5,), scale, 1e-6), x=x, rms_norm__scale=scale)
    mean, var = normal(5), normal(5) ** 2 + 0.1
    flat = x.reshape(-1, 5)
    new_mean, new_var = mean.clone(), var.clone()
    want = F.batch_norm(flat, new_mean, new_var, scale, shift, True, 0.2, 1e-5).reshape(x.shape)
    put(
        "batch_norm",
        want,
        {"batch_norm__running_mean": new_mean, "batch_norm__running_var": new_var},
        x=x,
        batch_norm__scale=scale,
        batch_norm__shift=shift,
        batch_norm__running_mean=mean,
        batch_norm__running_var=var,
    )
    put("mean_pool", x.mean(1), x=x)


def convolutions():
    def conv(name, size, channels, kernel, out, stride, padding, groups):
        space = len(size)
        x, w, b = normal(2, *size, channels), normal(*[kernel] * space, channels // groups, out), normal(out)
        first = [0, space + 1, *range(1, space + 1)]
        f = F.conv1d if space == 1 else F.conv2d
        y = f(x.permute(first), w.permute(space + 1, space, *range(space)), b, stride, padding, groups=groups)
        put(name, y.permute(0, *range(2, space + 2), 1), x=x, conv__w=w, conv__b=b)

    conv("conv", (7, 9), 3, 3, 5, 1, 1, 1)
    conv("conv_stride", (8, 7), 4, 3, 6, 2, 1, 1)
    conv("conv_groups", (5, 6), 6, 3, 9, 1, 1, 3)
    conv("conv_depthwise", (6, 6), 4, 3, 4, 1, 1, 4)
    conv("conv_line", (50,), 1, 10, 8, 5, 0, 1)
    conv("conv_line_groups", (17,), 4, 4, 6, 2, 3, 2)
    x = normal(2, 6, 8, 3)
    image = x.permute(0, 3, 1, 2)
    put("max_pool", F.max_pool2d(image, 2).permute(0, 2, 3, 1), x=x)
    put("max_pool_overlap", F.max_pool2d(image, 3, 2).permute(0, 2, 3, 1), x=x)
    put("avg_pool", F.avg_pool2d(image, 2).permute(0, 2, 3, 1), x=x)
    line = normal(2, 12, 3)
    put("max_pool_line", F.max_pool1d(line.permute(0, 2, 1), 3).permute(0, 2, 1), x=line)


def optimizers():
    def steps(name, make):
        w, g = normal(4, 3), normal(3, 4, 3)
        p = w.clone().requires_grad_()
        optimizer, want = make([p]), []
        for i in range(3):
            p.grad = g[i]
            optimizer.step()
            want.append(p.detach().clone())
        put(name, torch.stack(want), w=w, g=g)

    steps("sgd", lambda p: torch.optim.SGD(p, 0.1))
    steps("sgd_momentum", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01))
    steps("sgd_nesterov", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True))
    steps("adam", lambda p: torch.optim.Adam(p, 0.1))
    steps("adam_decay", lambda p: torch.optim.Adam(p, 0.1, (0.8, 0.99), weight_decay=0.1))
    steps("adamw", lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.1))
    # Chen et al. 2023, algorithm 2.
    w, g, m, want = normal(4, 3).numpy(), normal(3, 4, 3).numpy(), 0, []
    x = w
    for i in range(3):
        x = x - 0.1 * (np.sign(0.9 * m + 0.1 * g[i]) + 0.05 * x)
        m = 0.99 * m + 0.01 * g[i]
        want.append(x)
    put("lion", np.stack(want), w=w, g=g)


def attentions():
    def attention(name, batch, tokens, width, heads, causal):
        x, w, b = normal(batch, tokens, width), normal(width, 3 * width), normal(3 * width)
        out, bias = normal(width, width), normal(width)
        q, k, v = (t.reshape(batch, tokens, heads, -1).transpose(1, 2) for t in (x @ w + b).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        want = y.transpose(1, 2).reshape(x.shape) @ out + bias
        weights = {"attention__linear__w": w, "attention__linear__b": b}
        put(name, want, x=x, attention__linear_1__w=out, attention__linear_1__b=bias, **weights)

    attention("attention", 2, 5, 6, 2, False)
    attention("attention_causal", 3, 4, 9, 3, True)


def winograds():
    def winograd(name, size, channels, out, padding):
        x, w = normal(2, *size, channels).requires_grad_(), normal(3, 3, channels, out).requires_grad_()
        y = F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), padding=padding).permute(0, 2, 3, 1)
        put(name, y, x=x, w=w)
        (y**2).sum().backward()
        put(f"{name}_x", x.grad, x=x, w=w)
        put(f"{name}_w", w.grad, x=x, w=w)

    winograd("winograd", (8, 4), 3, 5, 1)
    winograd("winograd_cut", (7, 9), 4, 2, 1)
    winograd("winograd_unpadded", (6, 11), 2, 3, 0)
    winograd("winograd_wide", (3, 5), 3, 4, 2)


if __name__ == "__main__":
    for make in (activations, statistics, losses, layers, convolutions, optimizers, attentions, winograds):
        make()
    save_file(truth, HERE / "truth.safetensors")
