"""The truth of cases.def beside this file: librosa, SciPy and PyTorch for sound and series, in the form of ../vision/make.py.

python3 make.py   (PyTorch, librosa, safetensors; made with 1.13 and 0.11, paths with PyTorch 2.15)
"""

import pathlib
import sys

import librosa
import numpy as np
import scipy.fft
import scipy.signal
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from stored import Stored, array

stored = Stored(16)
rng, truth, normal, put, put_loss = stored.rng, stored.truth, stored.normal, stored.put, stored.put_loss


def alignments():
    for name, n, m in (("dtw", 5, 7), ("dtw_tall", 6, 2), ("dtw_row", 1, 4), ("dtw_one", 1, 1)):
        cost = np.abs(rng.standard_normal((2, 3, n, m)))
        put(name, [[librosa.sequence.dtw(C=c, backtrack=False)[-1, -1] for c in row] for row in cost], x=cost)


def spectrograms():
    t = np.arange(1500) / 8000
    x = np.stack([np.sin(2 * np.pi * (300 + 900 * t) * t) + 0.1 * rng.standard_normal(1500), 0.01 * rng.standard_normal(1500), np.zeros(1500)])
    for name, sr, options in (
        ("log_mel", 8000, dict(n_fft=256, hop_length=128, n_mels=40)),
        ("log_mel_16k", 16000, dict(n_fft=400, hop_length=160, n_mels=23, fmin=60, fmax=7600)),
        ("log_mel_htk", 8000, dict(n_fft=256, hop_length=100, n_mels=20, fmin=20, htk=True)),
    ):
        mel = [librosa.feature.melspectrogram(y=row, sr=sr, dtype=np.float64, pad_mode="constant", **options) for row in x]
        put(name, np.stack([librosa.power_to_db(m).T for m in mel]), x=x)
        if name == "log_mel":
            put("mel_spectrogram", np.stack([m.T for m in mel]), x=x)
            put("decibels", np.stack([librosa.power_to_db(m, top_db=None).T for m in mel]), x=np.stack([m.T for m in mel]))
            put("mfcc", np.stack([scipy.fft.dct(librosa.power_to_db(m), axis=0, type=2, norm="ortho")[:13].T for m in mel]), x=x)
    put("power_spectrogram", np.stack([np.abs(librosa.stft(row, n_fft=254, hop_length=64)).T ** 2 for row in x]), x=x)

    # The gradient of a log-mel, by torch.stft and librosa's filters.
    filters = torch.from_numpy(librosa.filters.mel(sr=8000, n_fft=64, n_mels=10, dtype=np.float64))

    def loss(x):
        s = torch.stft(x, 64, 32, window=torch.hann_window(64).double(), pad_mode="constant", return_complex=True).abs() ** 2
        return (10 * torch.log10((filters @ s).clamp(min=1e-10)) ** 2).sum() / 1000

    put_loss("log_mel_loss", loss, x=normal(2, 300))


def transforms():
    x, noise = normal(3, 50), normal(3, 50)
    decibels = torch.tensor([-3.0, 0.0, 12.0]).double()
    put("gain", x * 10 ** (decibels[:, None] / 20), x=x, decibels=decibels)
    x[2] = 0
    scale = (x.pow(2).mean(1) / noise.pow(2).mean(1) / 10 ** (decibels / 10)).sqrt()
    put("with_noise", x + noise * scale[:, None], x=x, noise=noise, decibels=decibels)
    by = torch.tensor([0, 7, -57])
    put("rolled", torch.stack([v.roll(int(k)) for v, k in zip(x, by)]), x=x, by=by)
    response = normal(3, 9)
    x = normal(3, 50)
    put("reverberated", np.stack([scipy.signal.lfilter(h, [1.0], v) for v, h in zip(x, response)]), x=x, response=response)
    seconds = torch.tensor([0.05, 0.3]).double()
    h = normal(2, 200)
    decayed = h * 10 ** (-3 * torch.arange(200).double() / 8000 / seconds[:, None])  # 60 dB less after `seconds`
    decayed[:, 0] = 1
    put("decaying", decayed, x=h, seconds=seconds)
    s = normal(2, 6, 5)
    masked = s.clone()
    masked[0, 1:4], masked[1, 5:6] = -1, -1
    put("masked_stretch", masked, x=s, first=torch.tensor([1, 5]), width=torch.tensor([3, 1]))
    a, b, share = normal(2, 3, 4), normal(2, 3, 4), torch.tensor([0.0, 0.4]).double()
    put("log_mixed", torch.logaddexp(a + torch.log(1 - share)[:, None, None], b + torch.log(share)[:, None, None]), x=a, y=b, share=share)


def methods():
    mask = torch.tensor([[1, 0, 1, 1, 0, 0], [0, 1, 1, 0, 0, 1]]).double()
    length = torch.tensor([0, 129, 10000])
    put("frames_of", torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]).double(), length=length)
    x = normal(2, 6, 5)
    put("masked_pool", torch.stack([v[m > 0].mean(0) for v, m in zip(x, mask)]), x=x, mask=mask)
    put("spread_spans", torch.tensor([[1, 1, 1, 0, 0, 1, 1]]).double(), x=torch.tensor([[1, 0, 0, 0, 0, 1, 0]]).double())

    # van den Oord et al. 2018, equation 4, the negatives from the same sequence.
    def cpc(x, y, linear__w):
        guess, total = x @ linear__w, 0
        for k in range(1, 4):
            n = y.shape[1] - k
            logits = guess[:, :n, (k - 1) * 4 : k * 4] @ y[:, k:].transpose(1, 2)
            total = total + F.cross_entropy(logits.reshape(-1, n), torch.arange(n).repeat(len(x)))
        return total / 3

    x, y, w = normal(2, 6, 5), normal(2, 6, 4), normal(5, 12)
    put("cpc", cpc(x, y, w), x=x, y=y, cpc_loss__linear__w=w)
    gx, gy = x.clone().requires_grad_(), y.clone().requires_grad_()
    cpc(gx, gy, w).backward()
    truth["cpc/grad/x"], truth["cpc/grad/y"] = array(gx.grad), array(gy.grad)

    # Jang et al. 2017, as torch.nn.functional.gumbel_softmax(hard=True), with the noise given.
    book = normal(3, 2)

    def gumbel(x, y):
        soft = F.softmax((x + y.detach()) / 0.7, -1)
        hard = torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1.0)
        return ((hard - soft.detach() + soft) @ book).pow(2).sum()

    put_loss("gumbel", lambda x, y, bank: gumbel(x, y), fixed={"y": normal(2, 4, 3), "bank": book}, x=normal(2, 4, 3))

    # Baevski et al. 2020 (wav2vec 2.0), equations 3 and 4, with all masked steps as distractors.
    def diversity(x):
        p = F.softmax(x, -1).mean((0, 1))
        perplexity = torch.exp(-(p * torch.log(p + 1e-12)).sum(-1)).sum()
        return (p.numel() - perplexity) / p.numel()

    put_loss("diversity", diversity, x=normal(2, 6, 2, 5))

    def wav2vec(x, y, mask):
        total = 0
        for c, q, m in zip(x, y, mask):
            at = m.nonzero()[:, 0]
            logits = F.cosine_similarity(c[at][:, None], q[at][None], dim=-1) / 0.1
            total = total + F.cross_entropy(logits, torch.arange(len(at)), reduction="sum")
        return total / mask.sum()

    put_loss("wav2vec", wav2vec, fixed={"mask": mask}, x=normal(2, 6, 5), y=normal(2, 6, 5))

    # Hsu et al. 2021 (HuBERT), equation 1, of masked frames.
    code = torch.tensor(rng.integers(0, 7, (2, 6)))
    put_loss("hubert", lambda x, code, mask: F.cross_entropy(x[mask > 0], code[mask > 0]), fixed={"code": code, "mask": mask}, x=normal(2, 6, 7))
    rows, center = normal(9, 3), normal(4, 3)
    put("closest", torch.cdist(rows, center).argmin(1), x=rows, center=center)
    seen = torch.tensor([0.0, 3, 2, 5]).double()
    hit = F.one_hot(torch.cdist(rows, center).argmin(1), 4).double()
    # Sculley 2010, algorithm 1, a batch at once: each center is the mean of all that it has been given.
    moved = (center * seen[:, None] + hit.T @ rows) / (seen + hit.sum(0)).clamp(min=1)[:, None]
    put("kmeans", torch.cdist(rows, center).argmin(1), x=rows, kmeans__center=center, kmeans__seen=seen)
    assert ((seen + hit.sum(0)) > 0).all()
    truth["kmeans/set/kmeans.center"] = array(moved)
    truth["kmeans/set/kmeans.seen"] = array(seen + hit.sum(0))

    # Yue et al. 2022, losses.py of their code.
    def contrast(z1, z2):
        n = z1.shape[1]
        z = torch.cat([z1, z2], 1)
        sim = z @ z.transpose(1, 2)
        logits = torch.tril(sim, diagonal=-1)[:, :, :-1] + torch.triu(sim, diagonal=1)[:, :, 1:]
        logits = -F.log_softmax(logits, dim=-1)
        i = torch.arange(n)
        return (logits[:, i, n + i - 1].mean() + logits[:, n + i, i].mean()) / 2

    def ts2vec(x, y):
        loss, depth = torch.tensor(0.0).double(), 0
        while x.shape[1] > 1:
            loss = loss + 0.5 * contrast(x.transpose(0, 1), y.transpose(0, 1)) + 0.5 * contrast(x, y)
            depth += 1
            x, y = (F.max_pool1d(v.transpose(1, 2), 2).transpose(1, 2) for v in (x, y))
        loss = loss + 0.5 * contrast(x.transpose(0, 1), y.transpose(0, 1))
        return loss / (depth + 1)

    put_loss("ts2vec", ts2vec, x=normal(3, 7, 4), y=normal(3, 7, 4))


def guesses():
    """What a guess of frames is held to: the frames, another view of them, or what a teacher makes of them."""
    x, y = normal(3, 7, 4), normal(3, 7, 4)
    mask = torch.from_numpy(rng.integers(0, 2, (3, 7))).double()

    # Liu et al. 2020: L1 at hidden frames.
    put_loss("mockingjay", lambda x, y: (x - y).abs().mean(-1)[mask > 0].mean(), x=x, y=y, beside={"mask": mask})

    # Baevski et al. 2022: the teacher's frames, normalized, without a gradient; by MAE's normalization.
    def data2vec(x, y):
        target = y.detach()
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6) ** 0.5
        return ((x - target) ** 2).mean(-1)[mask > 0].mean()

    put_loss("data2vec", data2vec, x=x, y=y, beside={"mask": mask})

    # Grill et al. 2020, equation 2, as BYOL-A has it.
    def byol(x, y):
        return ((F.normalize(x, dim=-1) - F.normalize(y.detach(), dim=-1)) ** 2).sum(-1).mean()

    put_loss("byol", byol, x=normal(6, 5), y=normal(6, 5))

    # Radford et al. 2021, figure 3.
    def clip(x, y):
        logits = F.normalize(x, dim=1) @ F.normalize(y, dim=1).T / 0.3
        return (F.cross_entropy(logits, torch.arange(6)) + F.cross_entropy(logits.T, torch.arange(6))) / 2

    put_loss("clip", clip, x=normal(6, 5), y=normal(6, 5))


def paths():
    """Losses over all alignments: PyTorch's CTC, of labels that repeat, of unequal lengths and of none; soft-DTW cell by cell."""
    label = torch.tensor([[3, 3, 1, 5], [2, 4, 2, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    frames, length = torch.tensor([9, 3, 6, 9]), torch.tensor([4, 3, 1, 0])

    def ctc(x, label, frames, length):
        return F.ctc_loss(F.log_softmax(x, -1).transpose(0, 1), label, frames, length)

    put_loss("ctc", ctc, x=normal(4, 9, 6), label=label, frames=frames, length=length)
    x, short = normal(2, 4, 3), torch.tensor([3, 4])
    none = F.ctc_loss(F.log_softmax(x, -1).transpose(0, 1), label[:2, :2] % 3, short, torch.tensor([2, 2]), reduction="none")
    put("ctc_each", none, x=x, label=label[:2, :2] % 3, frames=short, length=torch.tensor([2, 2]))
    never = F.ctc_loss(F.log_softmax(x, -1).transpose(0, 1), torch.tensor([[1, 1], [2, 1]]), torch.tensor([2, 1]), torch.tensor([2, 2]), reduction="none")
    put("ctc_never", 1 / never, x=x, label=torch.tensor([[1, 1], [2, 1]]), frames=torch.tensor([2, 1]), length=torch.tensor([2, 2]))

    # Cuturi and Blondel 2017, algorithm 1.
    def soft_dtw(x):
        total = 0
        for cost in x:
            r = {(-1, -1): torch.tensor(0.0).double()}
            for i in range(x.shape[1]):
                for j in range(x.shape[2]):
                    ways = [r[p] for p in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if p in r]
                    r[i, j] = cost[i, j] - 0.3 * torch.logsumexp(-torch.stack(ways) / 0.3, 0)
            total = total + r[i, j] ** 2
        return total

    for name, n, m in (("soft_dtw", 5, 7), ("soft_dtw_tall", 6, 2), ("soft_dtw_one", 1, 1)):
        put_loss(name, soft_dtw, x=normal(3, n, m).abs())


if __name__ == "__main__":
    for make in (spectrograms, transforms, methods, alignments, guesses, paths):
        make()
    stored.save(__file__)
