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


def conv(w, name, stride=1, padding=0, groups=1):
    """sslc's conv: its weight is [kernel..., inputs / groups, channels]. In two dimensions channels are innermost here, too."""
    weight = torch.from_numpy(w[name + ".w"])
    *kernel, inputs, channels = weight.shape
    kind = nn.Conv2d if len(kernel) == 2 else nn.Conv1d
    layer = kind(inputs * groups, channels, kernel, stride, padding, groups=groups, bias=name + ".b" in w)
    with torch.no_grad():
        layer.weight.copy_(weight.permute(-1, -2, *range(len(kernel))))
        if name + ".b" in w:
            layer.bias.copy_(torch.from_numpy(w[name + ".b"]))
    return layer.to(memory_format=torch.channels_last) if len(kernel) == 2 else layer


def batch_norm(w, name, kind=nn.BatchNorm2d):
    layer = kind(*w[name + ".scale"].shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(w[name + ".scale"]))
        layer.bias.copy_(torch.from_numpy(w[name + ".shift"]))
    return layer


class Block(nn.Module):
    """A block of a transformer: attention and an MLP of two layers, each after a layer norm; `norms` are two names."""

    def __init__(self, w, norms, attention, mlp, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = (layer_norm(w, norm) for norm in norms)
        self.qkv, self.out = linear(w, attention + ".linear"), linear(w, attention + ".linear_1")
        self.wide, self.narrow = linear(w, mlp + ".linear"), linear(w, mlp + ".linear_1")

    def attention(self, x):
        b, t, d = x.shape
        q, k, v = (part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.qkv(x).split(d, dim=2))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(mixed.transpose(1, 2).reshape(b, t, d))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.narrow(F.gelu(self.wide(self.norm2(x))))


def block(w, name, heads, causal=False):
    """sslc's transformer_block: two residuals."""
    return Block(w, (name + ".0.f.0", name + ".1.f.0"), name + ".0.f.1", name + ".1.f.1", heads, causal)


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
        self.blocks = nn.Sequential(*(block(w, f"encoder.2.{i}", 4, causal=True) for i in range(4)))
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
        self.encoder = nn.Sequential(*(block(w, f"encoder.0.{i}", 3) for i in range(6)), layer_norm(w, "encoder.1"))
        self.narrow, self.blank = linear(w, "narrow.0"), parameter(w, "blank.0.param")
        self.decoder_position = parameter(w, "decoder.0.param")
        self.decoder = nn.Sequential(block(w, "decoder.1", 3), layer_norm(w, "decoder.2"), linear(w, "decoder.3"))

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


def conv_norm(w, name, kernel, stride=1):
    return nn.Sequential(conv(w, name + ".0", stride, kernel // 2), batch_norm(w, name + ".1"))


class Residual(nn.Module):
    def __init__(self, w, name, stride):
        super().__init__()
        self.first, self.second = conv_norm(w, name + ".conv_norm", 3, stride), conv_norm(w, name + ".conv_norm_1", 3)
        self.shortcut = conv_norm(w, name + ".conv_norm_2", 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


def resnet(w):
    blocks = [Residual(w, f"encoder.{i}", 2 if i in (4, 6, 8) else 1) for i in range(2, 10)]
    net = nn.Sequential(conv_norm(w, "encoder.0", 3), nn.ReLU(), *blocks,
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear(w, "head.0"))  # fmt: skip
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, weight_decay=0.0005, fused=True)
    return net, lambda x, label: F.cross_entropy(net(x.permute(0, 3, 1, 2)), label.long()), optimizer


def audio(w):
    layers = []
    for i, stride in enumerate((5, 4, 2, 2)):
        layers += [conv(w, f"encoder.{i}.0", stride), batch_norm(w, f"encoder.{i}.1", nn.BatchNorm1d), nn.GELU()]
    encoder, predictor = nn.Sequential(*layers), linear(w, "predictor.0")

    def loss(x):
        past = encoder(x[:, None, :])[:, :, :197].transpose(1, 2)
        return F.mse_loss(predictor(past), x.view(-1, 200, 80)[:, 3:])

    net = nn.ModuleList([encoder, predictor])
    return net, loss, adam(net, 0.001)


MODELS = {"seed": seed, "mlp": mlp, "conv": resnet, "vit": vit, "gpt": gpt, "audio": audio}


def start(name, weights, options):
    """A step of training, of the model as it stands or compiled; `build` in the options makes a model of another file."""
    torch.set_num_threads(options["threads"])
    net, loss_of, optimizer = options.get("build", MODELS.get(name))(weights)
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
