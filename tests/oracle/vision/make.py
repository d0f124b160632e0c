"""The truth of tests/oracle/vision/cases.def: PyTorch, torchvision and PIL for what methods of vision are made of, in the
form of ../prelude/make.py. For a loss also its gradients (NAME/grad/x).

python3 make.py   (PyTorch, torchvision, safetensors; made with 1.13 and 0.14)
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(11)
truth = {}


def normal(*shape):
    return torch.from_numpy(rng.standard_normal(shape)).double()


def array(x):
    x = np.asarray(x.detach() if isinstance(x, torch.Tensor) else x)
    return np.ascontiguousarray(x.astype(np.int32 if x.dtype.kind in "iu" else np.float64))


def put(name, want, **inputs):
    truth[f"{name}/want"] = array(want)
    for key, value in inputs.items():
        truth[f"{name}/in/{key.replace('__', '.')}"] = array(value)


def put_loss(name, loss, **inputs):
    """Stores loss(**inputs) and its gradients by the inputs that are floats."""
    leaves = {k: v.clone().requires_grad_() if v.is_floating_point() else v for k, v in inputs.items()}
    want = loss(**leaves)
    want.backward()
    put(name, want, **inputs)
    for key, leaf in leaves.items():
        if leaf.requires_grad:
            grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
            truth[f"{name}/grad/{key.replace('__', '.')}"] = array(grad)


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


if __name__ == "__main__":
    for make in (arrays, losses):
        make()
    save_file(truth, HERE / "truth.safetensors")
