"""The loss curve of models/text/gpt-glosses.json by PyTorch, written as nanoGPT's model.py (Karpathy 2022): the truth that
tests/end-to-end/gpt_curve.sh compares with.

In:  ../text/corpus.txt, cut into windows of bytes in their order; weights drawn here as nanoGPT does.
Out: init.safetensors, those weights under the names of sslc; losses.txt, one loss a step.

python3 make.py                          (PyTorch 2, NumPy, safetensors)
python3 make.py TEXT PLACES WIDTH BLOCKS HEADS OVERLAP BATCH STEPS [OF]
    another size, and nanoGPT's rate, into the current folder; OF: steps of the whole schedule
"""

import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
VOCAB = 256
LEAST, WARMUP, BETAS, DECAY, CLIP = 0.1, 0.05, (0.9, 0.99), 0.1, 1.0


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.c_fc, self.c_out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attention(self, x):
        b, t, c = x.size()
        q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in self.c_attn(x).split(c, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(b, t, c))

    def forward(self, x):
        x = x + self.attention(self.ln_1(x))
        return x + self.c_out(F.gelu(self.c_fc(self.ln_2(x))))


class GPT(nn.Module):
    def __init__(self, places, width, blocks, heads):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCAB, width), nn.Embedding(places, width)
        self.h = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.ln_f = nn.LayerNorm(width)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                last = "c_proj" in name or "c_out" in name
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * blocks) if last else 0.02)
            elif "bias" in name:
                nn.init.zeros_(p)

    def forward(self, ids):
        x = self.wte(ids) + self.wpe.weight[: ids.size(1)]
        for block in self.h:
            x = block(x)
        return F.linear(self.ln_f(x), self.wte.weight)  # the head is the table

    def named(self):
        """The weights as sslc names them."""
        out = {"tokens.0.w": self.wte.weight, "encoder.0.positions": self.wpe.weight}
        for i, b in enumerate(self.h):
            for to, layer in (("layer_norm", b.ln_1), ("layer_norm_1", b.ln_2)):
                out |= {f"encoder.1.{i}.{to}.scale": layer.weight, f"encoder.1.{i}.{to}.shift": layer.bias}
            for to, layer in (("attention.linear", b.c_attn), ("attention.linear_1", b.c_proj), ("mlp.linear", b.c_fc), ("mlp.linear_1", b.c_out)):
                out |= {f"encoder.1.{i}.{to}.w": layer.weight.T, f"encoder.1.{i}.{to}.b": layer.bias}
        out |= {"encoder.2.scale": self.ln_f.weight, "encoder.2.shift": self.ln_f.bias}
        return {k: np.ascontiguousarray(v.detach().numpy()) for k, v in out.items()}


def windows(path, size, overlap):
    """Those of text(): the last may be shorter, and is padded with -1 here."""
    text = np.frombuffer(pathlib.Path(path).read_bytes(), np.uint8).astype(np.int64)
    starts = [0]
    while starts[-1] + size < len(text):
        starts.append(starts[-1] + size - overlap)
    rows = [text[s : s + size] for s in starts]
    return np.stack([np.pad(r, (0, size - len(r)), constant_values=-1) for r in rows])


def rate(step, steps, top):
    """nanoGPT's get_lr, with the share WARMUP of the steps, rising to `top` at its end."""
    warm = WARMUP * steps
    if step < warm:
        return top * (step + 1) / warm
    done = (step - warm) / (steps - warm)
    return top * (LEAST + (1 - LEAST) * 0.5 * (1 + math.cos(math.pi * done)))


def main(text, places, width, blocks, heads, overlap, batch, steps, of, folder, top=1e-3):
    torch.manual_seed(0)
    model = GPT(places, width, blocks, heads)
    save_file(model.named(), folder / "init.safetensors")
    decays = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": decays, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}], lr=top, betas=BETAS)
    rows = torch.from_numpy(windows(text, places + 1, overlap))
    epoch = len(rows) // batch
    with open(folder / "losses.txt", "w") as out:
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = rate(step, of, top)
            at = step % epoch * batch
            x = rows[at : at + batch]
            logits = model(x[:, :-1].clamp(min=0))
            loss = F.cross_entropy(logits.reshape(-1, VOCAB), x[:, 1:].reshape(-1), ignore_index=-1)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            out.write(f"{loss.item():.9g}\n")


if len(sys.argv) > 1:
    sizes = [int(x) for x in sys.argv[2:]]
    main(sys.argv[1], *sizes[:7], sizes[7] if len(sizes) > 7 else sizes[6], pathlib.Path("."))
else:
    main(HERE / "../text/corpus.txt", 32, 32, 2, 4, 28, 64, 200, 200, HERE, 4e-3)
