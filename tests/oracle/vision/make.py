"""The truth of tests/oracle/vision/cases.def: PyTorch, torchvision and PIL for what methods of vision are made of, in the
form of ../prelude/make.py. For a loss also its gradients (NAME/grad/x).

python3 make.py   (PyTorch, torchvision, scikit-learn, safetensors; made with 1.13, 0.14 and 1.9; likeness and positions
with PyTorch 2.15.0 and transformers 5.24.0)
"""

import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from stored import Stored, array

stored = Stored(11)
rng, truth, normal, put, put_loss = stored.rng, stored.truth, stored.normal, stored.put, stored.put_loss


def arrays():
    x = normal(3, 4, 7)
    x[0, 0, 2] = x[0, 0, 5]  # ties keep their order
    x[1, 1] = 1
    put("cumsum", x.cumsum(-1), x=x)
    put("cumsum_1", x.cumsum(1), x=x)
    put("cumsum_0", x.cumsum(0), x=x)
    put("sort", x.sort(-1).values, x=x)
    put("argsort", x.sort(dim=-1, stable=True).indices, x=x)
    put("ranks", x.sort(dim=-1, stable=True).indices.argsort(-1), x=x)
    put("top_k", (-x).sort(dim=-1, stable=True).indices[..., :3], x=x)
    line = torch.tensor([0.0, np.inf, -np.inf, np.nan, -0.0, 1.0, np.nan]).double()
    put("argsort_special", np.argsort(line.numpy(), kind="stable"), x=line)
    at = torch.tensor(rng.integers(0, 7, (3, 4, 5)))
    put("take_along", x.gather(-1, at), x=x, at=at)
    rows = torch.tensor(rng.integers(0, 4, (3, 6)))
    put("take_rows", x.gather(1, rows[..., None].expand(3, 6, 7)), x=x, at=rows)
    put_loss("take_rows_loss", lambda x, at: (x.gather(1, at[..., None].expand(3, 6, 7)) ** 2).sum(), x=x, at=rows)
    put_loss("sort_loss", lambda x: (x.sort(-1).values.cumsum(-1) ** 2).sum(), x=x)


def cosine_logits(q, k, temperature):
    return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).T / temperature


def losses():
    a, b, c, d = (normal(6, 5) for _ in range(4))
    scores, others = normal(6, 8), normal(6, 8)
    bank = F.normalize(normal(9, 5), dim=-1)
    center = normal(8)
    put_loss("soft_cross_entropy", lambda x, y: F.cross_entropy(x, y), x=scores, y=F.softmax(others, -1))
    put_loss("smooth_l1", lambda x, y: F.smooth_l1_loss(x, y, beta=0.5), x=a, y=b)
    # Kingma & Welling 2014, appendix B.
    put_loss("kl_normal", lambda x, y: (-0.5 * (1 + y - x**2 - y.exp()).sum(-1)).mean(), x=a, y=b)

    # Chen & He 2021, algorithm 1.
    def distance(p, z):
        return -(F.normalize(p, dim=1) * F.normalize(z.detach(), dim=1)).sum(1).mean()

    put_loss("simsiam", lambda x, y, z, w: distance(x, w) / 2 + distance(y, z) / 2, x=a, y=b, z=c, w=d)

    # He et al. 2020, algorithm 1; Chen et al. 2020 (MoCo v2) has its head and transforms.
    def moco(x, y, z):
        q, k = F.normalize(x, dim=1), F.normalize(y, dim=1).detach()
        logits = torch.cat([torch.einsum("nc,nc->n", q, k)[:, None], q @ z.detach().T], 1) / 0.2
        return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))

    put_loss("moco", moco, x=a, y=b, z=bank)

    # Chen, Xie & He 2021, algorithm 1.
    def moco_v3(x, y):
        return F.cross_entropy(cosine_logits(x, y.detach(), 0.3), torch.arange(6)) * 2 * 0.3

    put_loss("moco_v3", moco_v3, x=a, y=b)

    # Dwibedi et al. 2021, algorithm 1.
    def nnclr(x, y, z):
        near = z[(F.normalize(x, dim=1) @ F.normalize(z, dim=1).T).argmax(1)].detach()
        return F.cross_entropy(cosine_logits(near, y, 0.1), torch.arange(6))

    put_loss("nnclr", nnclr, x=a, y=b, z=bank)

    # Caron et al. 2020, algorithm 1.
    def sinkhorn(x, epsilon, rounds):
        q = torch.exp(x.detach() / epsilon).T
        q = q / q.sum()
        k, n = q.shape
        u, r, c = torch.zeros(k).double(), torch.ones(k).double() / k, torch.ones(n).double() / n
        for _ in range(rounds):
            u = q.sum(1)
            q = q * (r / u)[:, None]
            q = q * (c / q.sum(0))[None]
        return (q / q.sum(0, keepdim=True)).T

    put("sinkhorn", sinkhorn(scores, 0.5, 3), x=scores)

    def swav(x, y):
        qx, qy = sinkhorn(x, 0.05, 3), sinkhorn(y, 0.05, 3)
        px, py = F.log_softmax(x / 0.1, 1), F.log_softmax(y / 0.1, 1)
        return -0.5 * (qx * py + qy * px).sum(1).mean()

    put_loss("swav", swav, x=scores, y=others)

    # Caron et al. 2021, algorithm 1.
    def dino(x, y, z):
        t = F.softmax((y.detach() - z.detach()) / 0.04, dim=1)
        return -(t * F.log_softmax(x / 0.1, dim=1)).sum(1).mean()

    put_loss("dino", dino, x=scores, y=others, z=center)

    # Zhou et al. 2022, equation 2, as their code averages it: within an image, then over images.
    def ibot(x, y, z, mask):
        t = F.softmax((y.detach() - z.detach()) / 0.04, dim=-1)
        each = -(t * F.log_softmax(x / 0.1, dim=-1)).sum(-1)
        return ((each * mask).sum(-1) / mask.sum(-1).clamp(min=1)).mean()

    mask = torch.tensor([[1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0]]).double()
    put_loss("ibot", lambda x, y, z: ibot(x, y, z, mask), x=normal(3, 4, 8), y=normal(3, 4, 8), z=center)
    truth["ibot/in/mask"] = array(mask)

    # Assran et al. 2022, equations 1 and 2.
    def msn(x, y):
        p, q = F.softmax(x / 0.1, 1), F.softmax(y.detach() / 0.025, 1)
        mean = p.mean(0)
        return -(q * p.log()).sum(1).mean() + 2 * (mean * mean.log()).sum()

    put_loss("msn", msn, x=scores, y=others)

    # He et al. 2022, forward_loss of their code.
    def mae(x, y, m):
        m = m.detach()
        target = (y - y.mean(-1, keepdim=True)) / (y.var(-1, keepdim=True) + 1e-6) ** 0.5
        return (((x - target) ** 2).mean(-1) * m).sum() / m.sum()

    hidden = torch.tensor(rng.random((2, 5)) < 0.6).double()
    put_loss("mae", lambda x, y: mae(x, y, hidden), x=normal(2, 5, 4), y=normal(2, 5, 4))
    truth["mae/in/mask"] = array(hidden)
    # Xie et al. 2022, forward of their code, of one channel.
    spots = torch.tensor(rng.random((2, 4, 4)) < 0.5).double()
    put_loss("simmim", lambda x, y: (F.l1_loss(y, x, reduction="none") * spots).sum() / (spots.sum() + 1e-5), x=normal(2, 4, 4), y=normal(2, 4, 4))
    truth["simmim/in/mask"] = array(spots)

    # Wang et al. 2021, section 3.3.
    def dense(x, y, z, w, bank):
        match = (F.normalize(z, dim=2) @ F.normalize(w, dim=2).transpose(1, 2)).argmax(2)
        k = y.gather(1, match[..., None].expand_as(y))
        return moco(x.reshape(-1, 5), k.reshape(-1, 5), bank)

    put_loss("dense", dense, x=normal(2, 4, 5), y=normal(2, 4, 5), z=normal(2, 4, 3), w=normal(2, 4, 3), bank=bank)


def channels_last(x):
    return x.permute(0, 2, 3, 1)


def conv_weight(layer):
    return layer.weight.permute(2, 3, 1, 0)


def randomize(module):
    """Other weights than 1 and 0, of norms and biases too."""
    for p in module.parameters():
        p.data = normal(*p.shape) * 0.3


def blocks():
    x = normal(2, 4, 4, 6)
    image = x.permute(0, 3, 1, 2)
    scale, shift = normal(6), normal(6)
    put("group_norm", channels_last(F.group_norm(image, 3, scale, shift)), x=x, group_norm__scale=scale, group_norm__shift=shift)
    put("instance_norm", channels_last(F.instance_norm(image)), x=x)
    tiles = F.unfold(image, 2, stride=2).transpose(1, 2).reshape(2, 4, 6, 4).transpose(2, 3).reshape(2, 4, 24)
    put("patches", tiles, x=x)
    put("from_patches", x, x=tiles)

    # get_2d_sincos_pos_embed of the code of He et al. 2022 (MAE), of a grid 3 x 5.
    def sincos(width, pos):
        omega = 1.0 / 10000 ** (np.arange(width // 2) / (width / 2))
        out = np.einsum("m,d->md", pos.reshape(-1), omega)
        return np.concatenate([np.sin(out), np.cos(out)], 1)

    grid = np.meshgrid(np.arange(5.0), np.arange(3.0))
    put("sincos_positions", np.concatenate([sincos(4, grid[0]), sincos(4, grid[1])], 1), x=torch.zeros(1).double())

    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True).double()
    randomize(layer)
    x = normal(2, 5, 8)
    a = layer.self_attn
    own = {"layer_norm__scale": layer.norm1.weight, "layer_norm__shift": layer.norm1.bias}
    own |= {"layer_norm_1__scale": layer.norm2.weight, "layer_norm_1__shift": layer.norm2.bias}
    own |= {"attention__linear__w": a.in_proj_weight.T, "attention__linear__b": a.in_proj_bias}
    own |= {"attention__linear_1__w": a.out_proj.weight.T, "attention__linear_1__b": a.out_proj.bias}
    own |= {"mlp__linear__w": layer.linear1.weight.T, "mlp__linear__b": layer.linear1.bias}
    own |= {"mlp__linear_1__w": layer.linear2.weight.T, "mlp__linear_1__b": layer.linear2.bias}
    put("transformer_block", layer(x), x=x, **{f"transformer_block__{k}": v for k, v in own.items()})

    from torchvision.models.convnext import CNBlock
    from torchvision.models.resnet import BasicBlock, Bottleneck

    def residual(name, cls, inputs, channels, stride):
        out = channels * cls.expansion
        down = torch.nn.Sequential(torch.nn.Conv2d(inputs, out, 1, stride, bias=False), torch.nn.BatchNorm2d(out))
        block = cls(inputs, channels, stride, down if stride > 1 or inputs != out else None).double().train()
        randomize(block)
        x = normal(2, 5, 5, inputs)
        own = {}
        pairs = [(block.conv1, block.bn1), (block.conv2, block.bn2)] + ([(block.conv3, block.bn3)] if cls is Bottleneck else [])
        places = ["conv_norm", "conv_norm_1", "conv_norm_2"][: len(pairs)]
        if block.downsample is not None:
            pairs.append(tuple(block.downsample))
            places.append("shortcut__conv_norm")
        for (conv, norm), place in zip(pairs, places):
            own |= {f"{place}__conv__w": conv_weight(conv), f"{place}__batch_norm__scale": norm.weight, f"{place}__batch_norm__shift": norm.bias}
        y = channels_last(block(x.permute(0, 3, 1, 2)))
        kind = "bottleneck" if cls is Bottleneck else "basic_block"
        put(name, y, x=x, **{f"{kind}__{k}": v for k, v in own.items()})

    residual("basic_block", BasicBlock, 4, 4, 1)
    residual("basic_block_stride", BasicBlock, 4, 6, 2)
    residual("bottleneck", Bottleneck, 8, 2, 1)
    residual("bottleneck_stride", Bottleneck, 4, 3, 2)

    block = CNBlock(6, 0.5, 0.0).double()
    randomize(block)
    block.layer_scale.data = torch.full_like(block.layer_scale, 0.5)
    conv, _, norm, wide, _, narrow, _ = block.block
    x = normal(2, 5, 6, 6)
    own = {"conv__w": conv_weight(conv), "conv__b": conv.bias, "layer_norm__scale": norm.weight, "layer_norm__shift": norm.bias}
    own |= {"linear__w": wide.weight.T, "linear__b": wide.bias, "linear_1__w": narrow.weight.T, "linear_1__b": narrow.bias}
    own |= {"layer_scale": block.layer_scale.reshape(6)}
    put("convnext_block", channels_last(block(x.permute(0, 3, 1, 2))), x=x, **{f"convnext_block__{k}": v for k, v in own.items()})
    x = normal(2, 7, 7, 4)
    put("padded_max", channels_last(F.max_pool2d(x.permute(0, 3, 1, 2), 3, 2, 1)), x=x)


def optimizers():
    def steps(name, step, shape=(4, 3)):
        """step(w, g, memory, i) is the next w; three of them."""
        w, g, memory, want = normal(*shape).numpy(), normal(3, *shape).numpy(), {}, []
        first = w
        for i in range(3):
            w = step(w, g[i], memory, i)
            want.append(w)
        put(name, np.stack(want), w=first, g=g)

    # You et al. 2017, as in the code of Zbontar et al. 2021 (Barlow Twins).
    def lars(w, g, memory, i):
        if w.ndim > 1:
            g = g + 0.1 * w
            g = g * 0.01 * np.linalg.norm(w) / np.linalg.norm(g)
        memory["v"] = 0.9 * memory.get("v", 0) + g
        return w - 0.5 * memory["v"]

    steps("lars", lars)
    steps("lars_bias", lars, (5,))

    # You et al. 2020, algorithm 2, without a bound on |w|; biases are not scaled nor decayed.
    def lamb(w, g, memory, i):
        memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
        memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g**2
        m, v = memory["m"] / (1 - 0.9 ** (i + 1)), memory["v"] / (1 - 0.999 ** (i + 1))
        r = m / (np.sqrt(v) + 1e-6) + (0.1 * w if w.ndim > 1 else 0)
        ratio = np.linalg.norm(w) / np.linalg.norm(r) if w.ndim > 1 else 1
        return w - 0.05 * ratio * r

    steps("lamb", lamb)
    steps("lamb_bias", lamb, (5,))

    # Jordan et al. 2024 (Muon), of a weight [inputs, outputs]: theirs is the transpose.
    def muon(w, g, memory, i):
        memory["v"] = 0.95 * memory.get("v", 0) + 0.05 * g
        x = (0.05 * g + 0.95 * memory["v"]).reshape(-1, w.shape[-1]).T
        tall = x.shape[0] > x.shape[1]
        scale = max(1, x.shape[0] / x.shape[1]) ** 0.5
        x = x.T if tall else x
        x = x / (np.linalg.norm(x) + 1e-7)
        for _ in range(5):
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        x = x.T if tall else x
        return w * (1 - 0.1 * 0.2) - 0.1 * scale * x.T.reshape(w.shape)

    steps("muon", muon)
    steps("muon_wide", muon, (3, 7))
    steps("muon_conv", muon, (2, 2, 3, 4))

    # Biases and norms are not decayed.
    def adamw_bias(w, g, memory, i):
        p = memory.setdefault("p", torch.nn.Parameter(torch.from_numpy(w.copy())))
        o = memory.setdefault("o", torch.optim.AdamW([p], 0.1, weight_decay=0))
        p.grad = torch.from_numpy(g.copy())
        o.step()
        return p.detach().numpy().copy()

    steps("adamw_bias", adamw_bias, (5,))


def images():
    import torchvision.transforms.functional as T

    x = torch.from_numpy(rng.random((4, 9, 11, 3)))
    first = x.permute(0, 3, 1, 2)

    def each(f):
        return torch.stack([f(first[i], i).permute(1, 2, 0) for i in range(4)])

    box = torch.tensor([[0, 0, 9, 11], [2, 3, 4, 5], [1, 0, 7, 2], [8, 10, 1, 1]])
    parts = {k: box[:, i].double() for i, k in enumerate(("top", "left", "height", "width"))}
    sizes = {"": [9, 11], "_smaller": [3, 4], "_larger": [13, 8], "_one": [1, 1]}
    for name, size in sizes.items():
        put("resized_crop" + name, each(lambda v, i: T.resized_crop(v, *box[i].tolist(), size, antialias=True)), x=x, **parts)
    gray = each(lambda v, i: T.resized_crop(v[:1], *box[i].tolist(), [6, 8], antialias=True))[..., 0]
    put("resized_crop_gray", gray, x=x[..., 0], **parts)
    turns = torch.tensor([3, 1, 2, 0])
    square = first[..., :9]
    want = torch.stack([v.rot90(int(k), [1, 2]).permute(1, 2, 0) for v, k in zip(square, turns)])
    put("quarter_turns", want, x=channels_last(square), turns=turns)
    degrees = torch.tensor([0.0, 20.0, -75.0, 180.0]).double()
    bilinear = T.InterpolationMode.BILINEAR
    put("rotated", each(lambda v, i: T.rotate(v, float(degrees[i]), bilinear)), x=x, degrees=degrees)
    factor = torch.tensor([0.0, 0.7, 1.0, 1.6]).double()
    for name in ("brightness", "contrast", "saturation"):
        f = getattr(T, f"adjust_{name}")
        put(name, each(lambda v, i: f(v, float(factor[i]))), x=x, factor=factor)
    turn = torch.tensor([0.0, 0.1, -0.5, 0.37]).double()
    put("hue", each(lambda v, i: T.adjust_hue(v, float(turn[i]))), x=x, turn=turn)
    put("grayscale", each(lambda v, i: T.rgb_to_grayscale(v, 3)), x=x)
    put("solarize", each(lambda v, i: T.solarize(v, 0.4)), x=x)
    bytes_ = (first * 255).round().to(torch.uint8)
    put("posterize", channels_last(T.posterize(bytes_, 3)).double() / 255, x=channels_last(bytes_).double() / 255)
    sigma = torch.tensor([0.2, 0.8, 1.5, 4.0]).double()
    put("blur", each(lambda v, i: T.gaussian_blur(v, [5, 5], [float(sigma[i])] * 2)), x=x, sigma=sigma)


def neighbours():
    """Votes of the nearest by cosine, weighed by exp(similarity / temperature): scikit-learn finds them."""
    from sklearn.neighbors import NearestNeighbors

    own = np.random.default_rng(20)
    features, x = own.standard_normal((23, 5)), own.standard_normal((6, 5))
    labels = own.integers(0, 4, 23)
    for name, k, temperature in (("knn", 7, 0.07), ("knn_of_one", 1, 0.5), ("knn_of_all", 40, 0.1)):
        far, at = NearestNeighbors(metric="cosine").fit(features).kneighbors(x, min(k, 23))
        votes = np.zeros((6, 4))
        for i in range(6):
            np.add.at(votes[i], labels[at[i]], np.exp((1 - far[i]) / temperature))
        put(name, votes, x=x, features=features, labels=labels)


def hogs_and_clusters():
    """MaskFeat's targets by HOGLayerC of its authors' code (SlowFast, one channel), and DeepCluster-v2's loss."""
    own = np.random.default_rng(21)
    draw = lambda *shape: torch.from_numpy(own.standard_normal(shape))

    def hog(x, pool, bins=9):
        kernel = torch.tensor([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]]).double()
        p = F.pad(x[:, None], (1, 1, 1, 1), mode="reflect")
        gx, gy = F.conv2d(p, kernel), F.conv2d(p, kernel.transpose(2, 3))
        phase = torch.atan2(gx, gy) / torch.pi * bins
        out = torch.zeros(x.shape[0], bins, *x.shape[1:]).double()
        out.scatter_add_(1, phase.floor().long() % bins, torch.stack([gx, gy], -1).norm(dim=-1))
        out = out.unfold(2, pool, pool).unfold(3, pool, pool).sum([-1, -2])
        return F.normalize(out, p=2, dim=1).permute(0, 2, 3, 1).flatten(1, 2)

    pictures = torch.cat([draw(2, 8, 12), torch.from_numpy(own.integers(0, 3, (2, 8, 12))).double(), torch.zeros(1, 8, 12).double()])
    put("hog", hog(pictures, 4), x=pictures)
    put("hog_of_7", hog(pictures, 2, 7), x=pictures)
    hidden = torch.from_numpy(own.random((5, 6)) < 0.4).double()

    def maskfeat(guess):
        return (((guess - hog(pictures, 4)) ** 2).mean(-1) * hidden).sum() / hidden.sum()

    put_loss("maskfeat", maskfeat, beside={"x": pictures, "mask": hidden}, guess=draw(5, 6, 9))

    def clusters(x, centers, rounds):
        x, c = F.normalize(x, dim=1), F.normalize(centers, dim=1)
        for _ in range(rounds):
            at = (x @ c.T).argmax(1)
            c = torch.stack([F.normalize(x[at == k].sum(0), dim=0) if (at == k).any() else c[k] for k in range(len(c))])
        return c

    bank, first = draw(40, 4), draw(7, 4)
    first[3] = -10 * bank.sum(0)  # nobody's, perhaps
    put("spherical_kmeans", clusters(bank, first, 5), x=bank, y=first)

    def deepcluster(x):
        c = clusters(bank, first, 5)
        return F.cross_entropy(F.normalize(x, dim=1) @ c.T / 0.1, (bank[:6] @ c.T).argmax(1))

    put_loss("deepcluster", deepcluster, beside={"bank": bank, "first": first}, x=draw(6, 4))
    angles = torch.tensor([[0, 1, -1, 0, 0, 2, -3, 1, 1e-20, -0.4, 0.5, 1e20], [0, 1, -1, 2, -2, 0, 0, -1, 5, 1, -1, 1]]).double()
    more = draw(2, 60)
    ends = torch.cat([angles, more], 1)
    put("atan2", torch.atan2(ends[0], ends[1]), x=ends[0], y=ends[1])
    put_loss("atan2_loss", lambda x, y: torch.atan2(x, y).sum(), x=more[0], y=more[1])
    put_loss("atan_loss", lambda x: (torch.atan(x) * torch.arange(60)).sum(), x=more[0])
    scores = draw(3, 5)
    put_loss("log_sum_exp", lambda x: (torch.logsumexp(x, 1) ** 2).sum(), x=scores)


def matrices():
    own = np.random.default_rng(22)
    draw = lambda *shape: torch.from_numpy(own.standard_normal(shape))
    root, right, one = draw(9, 5), draw(5, 3), draw(7, 1)
    weight = draw(5, 5)
    a = root.T @ root
    even = lambda x: (x + x.T) / 2  # the factor reads the lower half alone: both halves share the gradient
    put("cholesky", torch.linalg.cholesky(a), x=a)
    put("cholesky_of_one", torch.linalg.cholesky(one.T @ one), x=one.T @ one)
    put_loss("cholesky_loss", lambda x: (torch.linalg.cholesky(x.T @ x) * weight).sum(), x=root, beside={"w": weight})
    lower = torch.linalg.cholesky(a)
    put("solve_lower", torch.linalg.solve_triangular(lower, right, upper=False), x=lower, y=right)
    put_loss("solve_lower_loss", lambda x, y: (torch.linalg.solve_triangular(x.tril(), y, upper=False) ** 2).sum(), x=lower, y=right)
    put_loss("log_det", lambda x: torch.logdet(x.T @ x), x=root)

    def inverse_root(a):
        values, vectors = torch.linalg.eigh(a)
        return vectors @ torch.diag(values**-0.5) @ vectors.T

    put("inverse_sqrt", inverse_root(a), x=a)
    put_loss("inverse_sqrt_loss", lambda x: (inverse_root(x.T @ x) * even(weight)).sum(), x=root, beside={"w": even(weight)})

    def whiten(x, eps):
        d = x - x.mean(0)
        factor = torch.linalg.cholesky(d.T @ d / (len(x) - 1) + eps * torch.eye(x.shape[1]).double())
        return torch.linalg.solve_triangular(factor, d.T, upper=False).T

    put("whiten", whiten(root[:, :4], 0.1), x=root[:, :4])

    # Ermolov et al. 2021: whitening of both views together, then the distance of unit vectors.
    def wmse(x, y):
        w = F.normalize(whiten(torch.cat([x, y]), 0.001), dim=1)
        return ((w[: len(x)] - w[len(x) :]) ** 2).sum(1).mean()

    put_loss("wmse", wmse, x=draw(6, 4), y=draw(6, 4))
    d = root - root.mean(0)
    put("zca", d @ inverse_root(d.T @ d / 8 + 0.01 * torch.eye(5).double()), x=root)


def best():
    """Few of many, with ties, infinities and NaN: as a stable sort, NaN last."""
    x = (torch.arange(4 * 60, dtype=torch.float64) * 37 % 23).reshape(4, 60)
    x[0, [0, 3, 7]], x[0, 9], x[1, :57], x[2] = np.inf, np.nan, np.nan, -np.inf
    x[2, 11] = np.nan
    put("top_k_rounds", torch.tensor(np.argsort(-x.numpy(), axis=-1, kind="stable")[:, :5].copy()), x=x)


def factors():
    for name, rows, columns in (("orthonormal", 7, 4), ("orthonormal_square", 5, 5)):
        x, y = (torch.sin(k * torch.arange(rows * columns).double() ** 2 + k).reshape(rows, columns) for k in (1, 2))
        put(name, torch.linalg.qr(x)[0], x=x)
        put_loss(name + "_loss", lambda x, y: (torch.linalg.qr(x)[0] * y).sum(), x=x, y=y)


def likeness():
    """Losses of who is like whom, written out pair by pair, and what is near whom."""
    x, y, label = normal(7, 5), normal(7, 5), torch.tensor([0, 2, 0, 1, 0, 1, 3])

    # Khosla et al. 2020, equation 2: a sample with no other of its class adds nothing.
    def supcon(x, label):
        z, total = F.normalize(x, dim=1), 0
        for i in range(7):
            others = [j for j in range(7) if j != i]
            positive = [j for j in others if label[j] == label[i]]
            below = sum(torch.exp(z[i] @ z[j] / 0.2) for j in others)
            total = total - sum(torch.log(torch.exp(z[i] @ z[j] / 0.2) / below) for j in positive) / max(len(positive), 1)
        return total / 7

    put_loss("supcon", supcon, x=x, label=label)

    # Zhai et al. 2023, algorithm 1.
    def siglip(x, y, scale, bias):
        logits = F.normalize(x, dim=1) @ F.normalize(y, dim=1).T * scale + bias
        return -F.logsigmoid((2 * torch.eye(7).double() - 1) * logits).sum() / 7

    put_loss("siglip", siglip, x=x, y=y, scale=torch.tensor(7.5).double(), bias=torch.tensor(-3.0).double())

    # Sablayrolles et al. 2019, as DINOv2 has it.
    def koleo(x):
        z = F.normalize(x, dim=1)
        nearest = (z @ z.T).fill_diagonal_(-1).argmax(1)
        return -torch.log(torch.nn.PairwiseDistance(2, eps=1e-8)(z, z[nearest]) + 1e-8).mean()

    put_loss("koleo", koleo, x=x)


def positions():
    """Su et al. 2021, as transformers' Llama turns queries and keys."""
    from transformers.models.llama import configuration_llama, modeling_llama

    config = configuration_llama.LlamaConfig(hidden_size=12, num_attention_heads=2, num_key_value_heads=2)
    x, y, z, w = (normal(3, 7, 12) for _ in range(4))
    frequency = 1 / 10000 ** (torch.arange(0, 6, 2).double() / 6)
    assert torch.allclose(modeling_llama.LlamaRotaryEmbedding(config).inv_freq.double(), frequency)
    angle = torch.arange(7).double()[:, None] * frequency.repeat(2)

    def loss(x, y, z, w):
        q, k, v = (t.reshape(3, 7, 2, 6).transpose(1, 2) for t in (x, y, z))
        q, k = modeling_llama.apply_rotary_pos_emb(q, k, angle.cos()[None], angle.sin()[None])
        seen = torch.ones(7, 7).tril().log().double()
        mixed = (q @ k.transpose(-1, -2) / 6**0.5 + seen).softmax(-1) @ v
        return (mixed.transpose(1, 2).reshape(3, 7, 12) * w).sum()

    put_loss("rotary", loss, x=x, y=y, z=z, w=w)


if __name__ == "__main__":
    for make in (arrays, losses, blocks, optimizers, images, neighbours, hogs_and_clusters, matrices, best, factors, likeness, positions):
        make()
    stored.save(__file__)
