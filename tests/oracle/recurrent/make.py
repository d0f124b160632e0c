"""The truth of cases.def beside this file: PyTorch's recurrent layers (what nn.GRU and nn.LSTM call), in double, in the form of ../vision/make.py: what a
layer gives, and for a loss its gradients (NAME/grad/x). State spaces are written out: a loop over complex numbers.

python3 make.py   (PyTorch, safetensors; made with 1.13)
"""

import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from stored import Stored

stored = Stored(7)
rng, truth, normal, put, put_loss = stored.rng, stored.truth, stored.normal, stored.put, stored.put_loss


def flipped(f, reverse):
    """f from the last step to the first."""
    return (lambda x, *w: f(x.flip(1), *w).flip(1)) if reverse else f


def gru(x, w, u, b, b_new):
    """What nn.GRU calls, with these weights: its two biases of the reset and update gates are one here."""
    units = u.shape[0]
    b_h = torch.cat([torch.zeros(2 * units).double(), b_new])
    first = torch.zeros(1, x.shape[0], units).double()
    return torch._VF.gru(x, first, [w.T, u.T, b, b_h], True, 1, 0.0, True, False, True)[0]


def lstm(x, w, u, b):
    first = torch.zeros(1, x.shape[0], u.shape[0]).double()
    weights = [w.T, u.T, b, torch.zeros_like(b)]
    return torch._VF.lstm(x, (first, first), weights, True, 1, 0.0, True, False, True)[0]


def state_space(x, decay, turn, b_re, b_im, c_re, c_im, d):
    """Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences"."""
    a = torch.exp(torch.complex(-torch.exp(decay), torch.exp(turn)))
    gain = torch.sqrt(1 - torch.abs(a) ** 2)
    h, y = torch.zeros(x.shape[0], a.shape[0]).to(a), []
    for t in range(x.shape[1]):
        h = a * h + gain * (x[:, t].to(a) @ torch.complex(b_re, b_im))
        y.append((h @ torch.complex(c_re, c_im)).real + x[:, t] @ d)
    return torch.stack(y, 1)


def gru_weights(c, h):
    return dict(w=normal(c, 3 * h), u=normal(h, 3 * h) * 0.5, b=normal(3 * h), b_new=normal(h))


def lstm_weights(c, h):
    return dict(w=normal(c, 4 * h), u=normal(h, 4 * h) * 0.5, b=normal(4 * h))


def state_space_weights(c, n, h):
    return dict(decay=normal(n) * 0.3 - 2, turn=normal(n) * 0.3 - 1, b_re=normal(c, n), b_im=normal(c, n),
                c_re=normal(n, h), c_im=normal(n, h), d=normal(c, h))


for steps, batch in [(1, 1), (2, 3), (17, 2)]:
    for name, layer, weights in [("gru", gru, gru_weights(3, 5)), ("lstm", lstm, lstm_weights(3, 5)),
                                 ("state_space", state_space, state_space_weights(3, 4, 5))]:
        for back in (False, True):
            where = f"{name}_{steps}{'_back' if back else ''}"
            y = normal(batch, steps, 5)
            put_loss(where, lambda x, y, **w: (flipped(layer, back)(x, *w.values()) * y).sum(),
                     x=normal(batch, steps, 3), y=y, **weights)

x, w, v = normal(2, 6, 3), gru_weights(3, 4), lstm_weights(3, 4)
put("gru_layer", gru(x, *w.values()), x=x, **{f"gru__{key}": value for key, value in w.items()})
put("lstm_layer", flipped(lstm, True)(x, *v.values()), x=x, **{f"lstm__{key}": value for key, value in v.items()})
s = state_space_weights(3, 5, 4)
put("state_space_layer", state_space(x, *s.values()), x=x, **{f"state_space__{key}": value for key, value in s.items()})
w1 = gru_weights(3, 4)
both = torch.cat([gru(x, *w.values()), flipped(gru, True)(x, *w1.values())], 2)
put("bidirectional", both, x=x, **{f"bidirectional__f__{key}": value for key, value in w.items()},
    **{f"bidirectional__f_1__{key}": value for key, value in w1.items()})

stored.save(__file__)
