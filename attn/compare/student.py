"""Student's t distribution, of any degrees of freedom."""

import math

import numpy as np

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
NORMAL = 2000.0  # degrees of freedom beyond which it is the normal one, to 3 digits
CLOSE = 1e-9


def both_tails(t: float, degrees: float) -> float:
    """``P(|T| >= |t|)``.

    With ``T = sqrt(n) tan(x)`` the density of ``x`` is that of ``cos(x)^(n - 1)``, which is smooth.
    """
    if math.isinf(t):
        return 0.0
    if degrees > NORMAL:
        return math.erfc(abs(t) / math.sqrt(2))
    start = math.atan(abs(t) / math.sqrt(degrees))
    half = (math.pi / 2 - start) / 2
    x = start + half * (NODES + 1)
    area = half * (WEIGHTS * np.cos(x) ** (degrees - 1)).sum()
    return float(2 * area * math.exp(_constant(degrees)))


def quantile(p: float, degrees: float) -> float:
    """The t that ``|T|`` exceeds with probability p.

    By Newton's method from 0: the probability is convex, so that no step goes too far.
    """
    t = 0.0
    while (step := (both_tails(t, degrees) - p) / (2 * _density(t, degrees))) > CLOSE * (1 + t):
        t += step
    return t


def _density(t: float, degrees: float) -> float:
    if degrees > NORMAL:
        return math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    log = _constant(degrees) - math.log(degrees) / 2
    return math.exp(log - (degrees + 1) / 2 * math.log1p(t**2 / degrees))


def _constant(degrees: float) -> float:
    """The logarithm of ``gamma((n + 1) / 2) / gamma(n / 2) / sqrt(pi)``."""
    return math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(math.pi) / 2
