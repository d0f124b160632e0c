"""The benchmark's models in PyTorch. A function per model takes sslc's weights by name and returns the network, its loss
over a batch, and the optimizer."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def linear(w, name):
    """sslc's linear: its weight is [inputs, units]."""
    weight = torch.from_numpy(w[name + ".w"])
    layer = nn.Linear(*weight.shape, bias=name + ".b" in w)
    with torch.no_grad():
        layer.weight.copy_(weight.T)
        if name + ".b" in w:
            layer.bias.copy_(torch.from_numpy(w[name + ".b"]))
    return layer


def layer_norm(w, name):
    layer = nn.LayerNorm(w[name + ".scale"].shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w[name + ".scale"]))
        layer.bias.copy_(torch.from_numpy(w[name + ".shift"]))
    return layer


def parameter(w, name):
    return nn.Parameter(torch.from_numpy(w[name].copy()))


class Block(nn.Module):
    """A block of a transformer: attention and an MLP of two layers, each after a layer norm."""

    def __init__(self, w, name, heads, causal=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = layer_norm(w, name + ".0.f.0"), layer_norm(w, name + ".1.f.0")
        self.qkv, self.out = linear(w, name + ".0.f.1.linear"), linear(w, name + ".0.f.1.linear_1")
        self.wide, self.narrow = linear(w, name + ".1.f.1.linear"), linear(w, name + ".1.f.1.linear_1")

    def attention(self, x):
        b, t, d = x.shape
        q, k, v = (part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.qkv(x).split(d, dim=2))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(mixed.transpose(1, 2).reshape(b, t, d))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.narrow(F.gelu(self.wide(self.norm2(x))))


def adam(net, lr):
    return torch.optim.Adam(net.parameters(), lr=lr, fused=True)


def adamw(net, lr, decay):
    return torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=decay, fused=True)


def seed(w):
    net = nn.Sequential(linear(w, "encoder.0"), nn.ReLU(), linear(w, "decoder.0"), nn.Sigmoid())
    return net, lambda x: F.mse_loss(net(x), x), adam(net, 0.01)


def mlp(w):
    net = nn.Sequential(
        linear(w, "encoder.0"), nn.ReLU(), linear(w, "encoder.2"), nn.ReLU(),
        linear(w, "decoder.0"), nn.ReLU(), linear(w, "decoder.2"),
    )  # fmt: skip
    return net, lambda x: F.mse_loss(net(x), x), adam(net, 0.001)


class Gpt(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.tokens, self.position = parameter(w, "encoder.0.param"), parameter(w, "encoder.1.param")
        self.blocks = nn.Sequential(*(Block(w, f"encoder.2.{i}", 4, causal=True) for i in range(4)))
        self.norm, self.head = layer_norm(w, "encoder.3"), linear(w, "encoder.4")

    def forward(self, x):
        return self.head(self.norm(self.blocks(F.embedding(x, self.tokens) + self.position)))


def gpt(w):
    net = Gpt(w)

    def loss(x):
        return F.cross_entropy(net(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten().long())

    return net, loss, adamw(net, 0.001, 0.1)


class Vit(nn.Module):
    """A masked autoencoder, written as the authors' code is: sort the noise, encode what comes first, put it back."""

    def __init__(self, w):
        super().__init__()
        self.embed, self.position = linear(w, "embed.0"), parameter(w, "embed.1.param")
        self.encoder = nn.Sequential(*(Block(w, f"encoder.0.{i}", 3) for i in range(6)), layer_norm(w, "encoder.1"))
        self.narrow, self.blank = linear(w, "narrow.0"), parameter(w, "blank.0.param")
        self.decoder_position = parameter(w, "decoder.0.param")
        self.decoder = nn.Sequential(Block(w, "decoder.1", 3), layer_norm(w, "decoder.2"), linear(w, "decoder.3"))

    def forward(self, x):
        patches = x[:, :3072].reshape(-1, 8, 4, 8, 4, 3).transpose(2, 3).reshape(-1, 64, 48)
        order = x[:, 3072:].argsort(dim=1)
        rank = order.argsort(dim=1)
        tokens = self.embed(patches) + self.position
        seen = tokens.gather(1, order[:, :16, None].expand(-1, -1, 192))
        seen = self.narrow(self.encoder(seen))
        both = torch.cat([seen, self.blank.expand(len(x), 48, 192)], dim=1)
        both = both.gather(1, rank[:, :, None].expand(-1, -1, 192)) + self.decoder_position
        error = ((self.decoder(both) - patches) ** 2).mean(dim=2)
        hidden = (rank >= 16).float()
        return (error * hidden).sum() / hidden.sum()


def vit(w):
    net = Vit(w)
    return net, net, adamw(net, 0.001, 0.05)


MODELS = {f.__name__: f for f in (seed, mlp, gpt, vit)}


def start(name, weights, options):
    """A step of training, of the model as it stands or compiled."""
    torch.set_num_threads(options["threads"])
    net, loss_of, optimizer = MODELS[name](weights)
    net.train()
    update = optimizer.step
    if options.get("compiled"):
        for group in optimizer.param_groups:
            group["fused"] = False  # the compiler fuses it, with less to do for every call
        loss_of, update = torch.compile(loss_of), torch.compile(optimizer.step)

    def step(batch):
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        update()
        return loss

    return step


def batch(arrays):
    return [torch.from_numpy(np.ascontiguousarray(a)) for a in arrays]


def value(loss):
    return loss.item()
