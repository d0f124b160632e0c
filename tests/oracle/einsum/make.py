"""Sums of products by names of axes: NumPy's einsum, and PyTorch's gradients of the mean of the squares of what it gives, by
all operands. Writes truth.safetensors, and cases.def, which are the same products in the model language.

python3 make.py   (PyTorch 2, NumPy, safetensors)
"""

import pathlib
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent))
from stored import Stored

LENGTH = dict(a=1, b=3, c=4, d=5, h=2, i=3, j=4, k=5, l=2, m=1, n=2, q=7)
SPECS = [
    "i->i", "ij->ji", "ij->", "ijk->ki", "ii->i", "ii->", "iji->j", "ijiji->ji", "iii->i", "abbaccdd->cb",
    "i,i->", "i,j->ji", "ij,j->ij", "ij,jk->ki", "ij,kl->", "ij,ik->jk", "iij,jkk->ik", "a,ab->b", "ij,->ji", ",->",
    "bqd,bkd->bqk", "bhqd,bhkd,bk->bhq", "ij,jk,kl->il", "i,j,k->kij", "ij,ij,ij->j", "bi,cj,dk,ijk->bcd", "ij,jk,kl,li->",
    "abcd,d,c,b,a->", "ijk,il,jl,kl->l", "i,j,k,l,q,b,c->", "bq , qk ,k -> kb", "dd,db,bc,cd,a->ad", "ab,ch,il,mn->abchilmn",
]
NAMES = "xyzuvst"
stored = Stored(5)
rows = []
for number, spec in enumerate(SPECS):
    sides = spec.replace(" ", "").split("->")[0].split(",")
    operands = {n: stored.normal(*(LENGTH[letter] for letter in side)) for n, side in zip(NAMES, sides)}
    given = (n if side else f"sum({n})" for n, side in zip(NAMES, sides))  # a number is stored as [1]
    call = f"einsum('{spec}', {', '.join(given)})"
    name = f"einsum_{number}"
    want = np.einsum(spec, *(v.numpy() for v in operands.values()))
    stored.put(name, want, **operands)
    stored.put_loss(name + "_square", lambda **x: (torch.einsum(spec, *x.values()) ** 2).mean(), **operands)
    rows += [f'CASE("{name}", "{call}", 0)', f'CASE("{name}_square", "mean({call}^2)", 0)']
stored.save(__file__)
(HERE / "cases.def").write_text(
    "/* cases.def: what make.py beside this file stored, and the expression that must give it; it wrote this too. */\n"
    + "".join(row + "\n" for row in rows)
)
