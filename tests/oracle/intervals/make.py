#!/usr/bin/env python3
"""Cluster-robust intervals of a mean difference (Cameron and Miller 2015): writes cases.def.

The variance of the mean is G / (G - 1) times the sum, over all pairs of samples of one group, of the products of their
residuals, over n^2; the interval is Student's of G - 1. With NumPy 2.4 and SciPy 1.17."""

import numpy
from scipy.stats import t

random = numpy.random.default_rng(5)


def interval(group, d):
    n, groups = len(d), len(set(group))
    off = d - d.mean()
    same = group[:, None] == group[None, :]
    variance = groups / (groups - 1) * (same * off[:, None] * off[None, :]).sum() / n**2
    half = t.ppf(0.975, groups - 1) * numpy.sqrt(variance)
    return d.mean(), d.mean() - half, d.mean() + half


def case(letters):
    group = numpy.array(list(letters))
    own = {g: random.standard_normal() for g in sorted(set(letters))}
    a = numpy.round(numpy.array([own[g] for g in group]) + random.standard_normal(len(group)), 3)
    b = numpy.round(random.standard_normal(len(group)), 3)
    values = ["VALUES(" + ", ".join(f"{x:.3f}" for x in v) + ")" for v in (a, b)]
    numbers = ", ".join(f"{x:.13g}" for x in interval(group, a - b))
    return f'GROUPED("{letters}",\n        {values[0]},\n        {values[1]},\n        {numbers})\n'


with open("cases.def", "w") as out:
    out.write("/* cases.def: by make.py. GROUPED(group of each sample, a, b, mean of a - b, low, high) */\n")
    for letters in ("aaabbc", "abcabcddddddd", "abacadaeafbcdef", "aabbccddee", "abcdefgh"):
        out.write(case(letters))
