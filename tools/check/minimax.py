#!/usr/bin/env python3
"""minimax.py: the coefficients of compiler/codegen/math*.c.

Remez exchange in 60 decimal digits: for each row below, the polynomial P of the given degree that minimises
max |weight(z) (f(z) - P(z))| over [a, b]; printed highest power first, as math_polynomial() takes them, with the error
that is left (in units of 2^-24 for f32, 2^-53 for f64). Nothing beyond the standard library.

    tools/check/minimax.py [name ...]
"""
import sys
from decimal import Decimal as D, getcontext

getcontext().prec = 60
PI = D("3.14159265358979323846264338327950288419716939937510582097494")
LN2 = D(2).ln()
TINY = D(10) ** -62


def series(term, ratio):
    """Sum of term, term * ratio(1), term * ratio(1) * ratio(2), ..."""
    total, i = D(0), 0
    while abs(term) > TINY:
        total += term
        i += 1
        term *= ratio(i)
    return total


# Each function is the remainder that its polynomial stands for, by its own series where subtraction would cancel.
def exp_tail(r):  # (e^r - 1 - r) / r^2
    return series(D(1) / 2, lambda i: r / (i + 2))


def log_tail(f):  # (log(1 + f) - f + f^2 / 2) / f^3
    if abs(f) > D("0.05"):
        return ((1 + f).ln() - f + f * f / 2) / f**3
    return sum((power(-f, i) / (i + 3) for i in range(60)), D(0))


def atanh_tail(z):  # (log((1 + s) / (1 - s)) / s - 2) / z, z = s^2
    return sum((2 * power(z, i) / (2 * i + 3) for i in range(60)), D(0))


def atanh_tail5(z):  # the same from s^5 on: (log((1 + s) / (1 - s)) / s - 2 - 2 z / 3) / z^2
    return sum((2 * power(z, i) / (2 * i + 5) for i in range(60)), D(0))


def tanh_tail(z):  # (tanh(x) / x - 1) / z, z = x^2
    sinh = series(D(1) / 6, lambda i: z / ((2 * i + 2) * (2 * i + 3)))  # (sinh(x) / x - 1) / z
    cosh = series(D(1) / 2, lambda i: z / ((2 * i + 1) * (2 * i + 2)))  # (cosh(x) - 1) / z
    return (sinh - cosh) / (1 + z * cosh)


def erf_over_x(z):
    return series(2 / PI.sqrt(), lambda i: -z * (2 * i - 1) / (i * (2 * i + 1)))


def erfc(t):
    if t < 3:  # alternating: digits lost are about t^2 / ln 10
        return 1 - t * erf_over_x(t * t)
    value = t  # continued fraction: t + (1/2) / (t + 1 / (t + (3/2) / ...))
    for i in range(400, 0, -1):
        value = t + D(i) / 2 / value
    return (-t * t).exp() / (value * PI.sqrt())


def sin_tail(z):  # (sin(r) / r - 1) / z
    return series(-D(1) / 6, lambda i: -z / ((2 * i + 2) * (2 * i + 3)))


def cos_tail(z):  # (cos(r) - 1 + z / 2) / z^2
    return series(D(1) / 24, lambda i: -z / ((2 * i + 3) * (2 * i + 4)))


def cache(f):
    known = {}

    def g(z):
        if z not in known:
            known[z] = f(z)
        return known[z]

    return g


erfc, tanh_tail, sin_tail, cos_tail = cache(erfc), cache(tanh_tail), cache(sin_tail), cache(cos_tail)
R = LN2 / 2 * D("1.001")
ROOT = D(2).sqrt()
LOW, HIGH = 1 / ROOT - 1 - D("1e-6"), ROOT - 1 + D("1e-6")
QUARTER = (PI / 4 * D("1.001")) ** 2
S2 = ((ROOT - 1) / (ROOT + 1)) ** 2 * D("1.0001")

# name: (f, weight, a, b, degree, digits of the type); the weight makes the error relative to the whole function.
ROWS = {
    "EXP_F32": (exp_tail, lambda r: r * r / r.exp(), -R, R, 4, 24),
    "EXP_F64": (exp_tail, lambda r: r * r / r.exp(), -R, R, 9, 53),
    "LOG_F32": (log_tail, lambda f: abs(f**3 / (1 + f).ln()) if f else D(0), LOW, HIGH, 7, 24),
    "LOG_F64": (atanh_tail, lambda z: z / 2, D(0), S2, 6, 53),
    "LOG_TAIL": (atanh_tail5, lambda z: z * z / 2, D(0), S2, 6, 64),
    "TANH_F32": (tanh_tail, lambda z: z / (1 + z * tanh_tail(z)), D(0), D("0.55") ** 2, 4, 24),
    "TANH_F64": (tanh_tail, lambda z: z / (1 + z * tanh_tail(z)), D(0), D("0.55") ** 2, 10, 53),
    "ERF_F32": (lambda z: erf_over_x(z) - 1, lambda z: 1 / erf_over_x(z), D(0), D("0.925") ** 2, 5, 24),
    "ERF_F64": (lambda z: erf_over_x(z) - 1, lambda z: 1 / erf_over_x(z), D(0), D(1), 11, 53),
    # log(erfc(t)) in u = t - 1
    "ERFC_F32": (lambda u: erfc(u + 1).ln(), lambda u: erfc(u + 1) / (1 - erfc(u + 1)), D("-0.1"), D(3), 6, 24),
    "ERFC_F64": (lambda u: erfc(u + 1).ln(), lambda u: erfc(u + 1) / (1 - erfc(u + 1)), D(0), D(5), 18, 53),
    "SIN_F32": (sin_tail, lambda z: z / (1 + z * sin_tail(z)), D(0), QUARTER, 2, 24),
    "SIN_F64": (sin_tail, lambda z: z / (1 + z * sin_tail(z)), D(0), QUARTER, 5, 53),
    "COS_F32": (cos_tail, lambda z: z * z / (1 - z / 2 + z * z * cos_tail(z)), D(0), QUARTER, 2, 24),
    "COS_F64": (cos_tail, lambda z: z * z / (1 - z / 2 + z * z * cos_tail(z)), D(0), QUARTER, 5, 53),
}


def solve(matrix, right):
    """Gauss with pivoting."""
    n = len(right)
    rows = [matrix[i] + [right[i]] for i in range(n)]
    for c in range(n):
        p = max(range(c, n), key=lambda i: abs(rows[i][c]))
        rows[c], rows[p] = rows[p], rows[c]
        for i in range(c + 1, n):
            q = rows[i][c] / rows[c][c]
            if q:
                rows[i] = [x - q * y for x, y in zip(rows[i], rows[c])]
    out = [D(0)] * n
    for i in reversed(range(n)):
        out[i] = (rows[i][n] - sum(rows[i][j] * out[j] for j in range(i + 1, n))) / rows[i][i]
    return out


def cosine(x):
    return 1 - 2 * (x / 2 * (1 + (x / 2) ** 2 * sin_tail((x / 2) ** 2))) ** 2 if x else D(1)


def power(z, j):  # 0^0 = 1
    return z**j if j else D(1)


def remez(f, weight, a, b, degree):
    """Coefficients, lowest power first, and the error. A point of weight 0 cannot be in the reference."""
    grid = [(a + b) / 2 - (b - a) / 2 * cosine(PI * i / 600) for i in range(601)]
    grid = [z for z in grid if weight(z) > D("1e-30")]
    target = [(z, f(z), weight(z)) for z in grid]
    n = degree + 2
    reference = [target[(2 * i + 1) * len(grid) // (2 * n)] for i in range(n)]
    for _ in range(30):
        matrix = [[power(z, j) for j in range(degree + 1)] + [(-1) ** i / w] for i, (z, _, w) in enumerate(reference)]
        c = solve(matrix, [y for _, y, _ in reference])[: degree + 1]
        error = [w * (y - sum(c[j] * power(z, j) for j in range(degree + 1))) for z, y, w in target]
        best = []  # the largest of each run of equal sign
        for i, e in enumerate(error):
            if best and (e > 0) == (error[best[-1]] > 0):
                if abs(e) > abs(error[best[-1]]):
                    best[-1] = i
            else:
                best.append(i)
        while len(best) > n:
            best.pop(0 if abs(error[best[0]]) < abs(error[best[-1]]) else -1)
        if len(best) < n:
            break
        reference = [target[i] for i in best]
        low, high = min(abs(error[i]) for i in best), max(abs(error[i]) for i in best)
        if high / low < D("1.0001"):
            break
    return c, max(abs(e) for e in error)


def main():
    for name in sys.argv[1:] or ROWS:
        f, weight, a, b, degree, digits = ROWS[name]
        c, error = remez(f, weight, a, b, degree)
        print(f"/* max error {float(error * 2**digits):.3g} x 2^-{digits} */")
        print(f"static const double {name}[] = {{")
        for x in reversed(c):
            print(f"    {float(x)!r},")
        print("};")


if __name__ == "__main__":
    main()
