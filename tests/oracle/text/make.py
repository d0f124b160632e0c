"""The truth of cases.def beside this file: PyTorch for what methods of text are made of, in the form of ../vision/make.py.
For a loss also its gradients (NAME/grad/x). tokens.py makes what tokenizers are held to.

python3 make.py   (PyTorch 1.13, NumPy, safetensors)
"""

import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(5)
truth = {}
N, T, V, D = 3, 6, 7, 4
ids = torch.from_numpy(rng.integers(0, V, (N, T)))
length = torch.tensor([6, 3, 1])
seen = torch.arange(T)[None] < length[:, None]


def normal(*shape):
    return torch.from_numpy(rng.standard_normal(shape)).double()


def array(x):
    x = np.asarray(x.detach() if isinstance(x, torch.Tensor) else x)
    return np.ascontiguousarray(x.astype(np.int32 if x.dtype.kind in "iu" else np.float64))


def put(name, want, **inputs):
    truth[f"{name}/want"] = array(want)
    for key, value in inputs.items():
        truth[f"{name}/in/{key.replace('__', '.')}"] = array(value)


def put_loss(name, loss, floats, **others):
    leaves = {k: v.clone().requires_grad_() for k, v in floats.items()}
    want = loss(**leaves)
    want.backward()
    put(name, want, **floats, **others)
    for key, leaf in leaves.items():
        truth[f"{name}/grad/{key}"] = array(leaf.grad)


def block(name, causal):
    width, heads = 8, 2
    layer = torch.nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True).double()
    for p in layer.parameters():
        p.data = normal(*p.shape) * 0.3
    x = normal(N, T, width)
    attention = "attention" if causal else "token_attention"
    a = layer.self_attn
    own = {"layer_norm__scale": layer.norm1.weight, "layer_norm__shift": layer.norm1.bias}
    own |= {"layer_norm_1__scale": layer.norm2.weight, "layer_norm_1__shift": layer.norm2.bias}
    own |= {f"{attention}__linear__w": a.in_proj_weight.T, f"{attention}__linear__b": a.in_proj_bias}
    own |= {f"{attention}__linear_1__w": a.out_proj.weight.T, f"{attention}__linear_1__b": a.out_proj.bias}
    own |= {"mlp__linear__w": layer.linear1.weight.T, "mlp__linear__b": layer.linear1.bias}
    own |= {"mlp__linear_1__w": layer.linear2.weight.T, "mlp__linear_1__b": layer.linear2.bias}
    own = {f"{name}__{k}": v for k, v in own.items()}
    if causal:
        put(name, layer(x, torch.full((T, T), -math.inf).double().triu(1)), x=x, **own)
    else:
        put(name, layer(x, src_key_padding_mask=~seen), x=x, ids=ids, length=length, **own)


def near(reach):
    i = torch.arange(T)
    apart = (i[:, None] - i[None]).abs()
    return (apart > 0) & (apart <= reach) & seen[:, :, None] & seen[:, None, :]


# Mikolov et al. 2013 (b), equation 4, pair by pair; a word's contexts share its noise.
def skip_gram(x, y, z):
    total, count, pairs = 0, 0, near(2)
    for n in range(N):
        for i in range(T):
            for j in range(T):
                if pairs[n, i, j]:
                    total = total - F.logsigmoid(x[n, i] @ y[n, j]) - F.logsigmoid(-(z[n, i] @ x[n, i])).sum()
                    count += 1
    return total / count


# Mikolov et al. 2013 (a): the mean of the context guesses the word.
def cbow(x, y, z):
    total, count, pairs = 0, 0, near(2)
    for n in range(N):
        for i in range(T):
            if pairs[n, i].any():
                h = y[n][pairs[n, i]].mean(0)
                total = total - F.logsigmoid(h @ x[n, i]) - F.logsigmoid(-(z[n, i] @ h)).sum()
                count += 1
    return total / count


# Gao et al. 2021, equation 1.
def simcse(x, y):
    return F.cross_entropy(F.cosine_similarity(x[:, None], y[None], dim=-1) / 0.05, torch.arange(len(x)))


def main():
    block("causal_block", True)
    block("token_block", False)
    x = normal(N, T, D)
    put("pool_tokens", torch.stack([x[n, : length[n]].mean(0) for n in range(N)]), x=x, ids=ids, length=length)
    logits = normal(N, T, V)
    # nanoGPT's loss: cross_entropy with ignore_index.
    put_loss("next_token", lambda x: F.cross_entropy(x[seen], ids[seen]), {"x": logits}, ids=ids, length=length)
    put("bits_per_byte", F.cross_entropy(logits[seen], ids[seen]) / math.log(2) / 4, x=logits, ids=ids, length=length)
    chosen = torch.from_numpy(rng.random((N, T)) < 0.4) & seen
    put_loss("masked_token", lambda x: F.cross_entropy(x[chosen], ids[chosen]), {"x": logits}, ids=ids, chosen=chosen.long())
    # Clark et al. 2020: is a token another one's? Over a sample's own tokens.
    replaced = torch.from_numpy(rng.integers(0, 2, (N, T))).double()
    scores = normal(N, T) * 3
    put_loss("replaced_token", lambda x: F.binary_cross_entropy_with_logits(x[seen], replaced[seen]), {"x": scores}, y=replaced, ids=ids, length=length)
    words = {"x": normal(N, T, D), "y": normal(N, T, D), "z": normal(N, T, 3, D)}
    put_loss("skip_gram", skip_gram, words, ids=ids, length=length)
    put_loss("cbow", cbow, words, ids=ids, length=length)
    put_loss("simcse", simcse, {"x": normal(5, D), "y": normal(5, D)})
    table = normal(V, 5)
    put("token_embedding", F.embedding(ids, table), ids=ids, token_embedding__w=table)


main()
save_file(truth, HERE / "truth.safetensors")
