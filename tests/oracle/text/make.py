"""The truth of cases.def beside this file: PyTorch, and Hugging Face's transformers, for what methods of text are made of. tokens.py makes what tokenizers are held to.

python3 make.py   (PyTorch 2, NumPy, safetensors, transformers)
"""

import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from stored import Stored

stored = Stored(5)
rng, truth, normal, put, put_loss = stored.rng, stored.truth, stored.normal, stored.put, stored.put_loss
N, T, V, D = 3, 6, 7, 4
ids = torch.from_numpy(rng.integers(0, V, (N, T)))
length = torch.tensor([6, 3, 1])
seen = torch.arange(T)[None] < length[:, None]


def block(name, causal):
    width, heads = 8, 2
    layer = torch.nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True).double()
    for p in layer.parameters():
        p.data = normal(*p.shape) * 0.3
    x = normal(N, T, width)
    a = layer.self_attn
    own = {"layer_norm__scale": layer.norm1.weight, "layer_norm__shift": layer.norm1.bias}
    own |= {"layer_norm_1__scale": layer.norm2.weight, "layer_norm_1__shift": layer.norm2.bias}
    own |= {"attention__linear__w": a.in_proj_weight.T, "attention__linear__b": a.in_proj_bias}
    own |= {"attention__linear_1__w": a.out_proj.weight.T, "attention__linear_1__b": a.out_proj.bias}
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


# Padding masks: multi_head_attention_forward with key_padding_mask, and with a causal mask too.
def masks():
    width, heads = 6, 2
    ahead = torch.full((T, T), -math.inf).double().triu(1)
    for name, mask in (("masked_attention", None), ("masked_causal", ahead)):
        x, y = normal(N, T, width), normal(N, T, width)
        w, b, out, shift = normal(3 * width, width), normal(3 * width), normal(width, width), normal(width)

        def attend(x, w, b, out, shift):
            z = x.transpose(0, 1)
            return F.multi_head_attention_forward(z, z, z, width, heads, w, b, None, None, False, 0.0, out, shift, attn_mask=mask,
                                                  key_padding_mask=~seen, need_weights=False)[0].transpose(0, 1)

        own = {"attention__linear__w": w.T, "attention__linear__b": b, "attention__linear_1__w": out.T, "attention__linear_1__b": shift}
        put_loss(name, lambda x: (attend(x, w, b, out, shift) * y).sum(), beside={"y": y, "ids": ids, "length": length} | own, x=x)
    q, k, v, y = (normal(N, T, width) for _ in range(4))
    split = lambda z: z.view(N, T, heads, -1).transpose(1, 2)
    mixed = lambda q, k, v: F.scaled_dot_product_attention(split(q), split(k), split(v), attn_mask=seen[:, None, None]).transpose(1, 2)
    put_loss("attend", lambda q, k, v: (mixed(q, k, v).reshape(N, T, width) * y).sum(), beside={"y": y, "ids": ids, "length": length}, q=q, k=k, v=v)
    tags, logits = torch.from_numpy(rng.integers(0, D, (N, T))), normal(N, T, D)
    put_loss("tagging", lambda x: F.cross_entropy(x[seen], tags[seen]), beside={"tags": tags, "ids": ids, "length": length}, x=logits)
    right = logits.argmax(-1) == tags
    put("masked_accuracy", right[seen].double().mean(), x=logits, tags=tags, ids=ids, length=length)


# Hugging Face's rule: the collator's labels are -100 where nothing is asked; BertForMaskedLM's loss leaves these out.
def collated():
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

    words = {str(i): i for i in range(V)} | {"[MASK]": V, "[PAD]": V + 1}
    own = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel(words, unk_token="[PAD]")), mask_token="[MASK]", pad_token="[PAD]")
    collator = DataCollatorForLanguageModeling(own, mlm_probability=0.4)
    torch.manual_seed(0)
    padded = torch.where(seen, ids, V + 1)
    batch = collator([{"input_ids": row} for row in padded])
    labels, chosen = batch["labels"], batch["labels"] != -100
    assert not (chosen & ~seen).any() and (labels[chosen] == ids[chosen]).all()
    logits = normal(N, T, V)
    put_loss("collated", lambda x: F.cross_entropy(x.view(-1, V), labels.view(-1)), beside={"ids": ids, "chosen": chosen.long()}, x=logits)


# The rank of the first right one, by sorting: of equal scores the wrong ones are first.
def retrieval():
    scores = torch.from_numpy(rng.integers(0, 6, (9, 7))).double() / 2
    right = torch.from_numpy(rng.random((9, 7)) < 0.3)
    right[0], right[1] = False, True
    first = []
    for s, r in zip(scores.numpy(), right.numpy()):
        order = sorted(range(7), key=lambda i: (-s[i], r[i]))
        first.append(next((n + 1 for n, i in enumerate(order) if r[i]), math.inf))
    put("mean_reciprocal_rank", np.mean([1 / n for n in first]), x=scores, right=right)
    for k in (1, 3):
        put(f"recall_{k}", np.mean([n <= k for n in first]), x=scores, right=right)


def main():
    block("causal_block", True)
    block("token_block", False)
    x = normal(N, T, D)
    put("pool_tokens", torch.stack([x[n, : length[n]].mean(0) for n in range(N)]), x=x, ids=ids, length=length)
    logits = normal(N, T, V)
    own = {"ids": ids, "length": length}
    # nanoGPT's loss: cross_entropy with ignore_index.
    put_loss("next_token", lambda x: F.cross_entropy(x[seen], ids[seen]), beside=own, x=logits)
    put("bits_per_byte", F.cross_entropy(logits[seen], ids[seen]) / math.log(2) / 4, x=logits, ids=ids, length=length)
    chosen = torch.from_numpy(rng.random((N, T)) < 0.4) & seen
    put_loss("masked_token", lambda x: F.cross_entropy(x[chosen], ids[chosen]), beside={"ids": ids, "chosen": chosen.long()}, x=logits)
    # Clark et al. 2020: is a token another one's? Over a sample's own tokens.
    replaced = torch.from_numpy(rng.integers(0, 2, (N, T))).double()
    scores = normal(N, T) * 3
    put_loss("replaced_token", lambda x: F.binary_cross_entropy_with_logits(x[seen], replaced[seen]), beside=own | {"y": replaced}, x=scores)
    words = {"x": normal(N, T, D), "y": normal(N, T, D), "z": normal(N, T, 3, D)}
    put_loss("skip_gram", skip_gram, beside=own, **words)
    put_loss("cbow", cbow, beside=own, **words)
    put_loss("simcse", simcse, x=normal(5, D), y=normal(5, D))
    table = normal(V, 5)
    put("token_embedding", F.embedding(ids, table), ids=ids, token_embedding__w=table)
    masks()
    collated()
    retrieval()


main()
stored.save(__file__)
