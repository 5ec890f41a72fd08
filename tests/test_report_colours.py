"""The hues of a report's lines, as people of any colour vision see them."""

import itertools
import re
from importlib import resources

import numpy as np
import pytest

# Machado, Oliveira and Fernandes 2009, of full severity, on linear RGB.
VISIONS = {
    "common": np.eye(3),
    "protanopia": np.array([
        [0.1523, 1.0526, -0.2049],
        [0.1145, 0.7863, 0.0992],
        [-0.0039, -0.0481, 1.0520],
    ]),
    "deuteranopia": np.array([
        [0.3673, 0.8606, -0.2280],
        [0.2801, 0.6725, 0.0474],
        [-0.0118, 0.0429, 0.9690],
    ]),
    "tritanopia": np.array([
        [1.2555, -0.0767, -0.1788],
        [-0.0784, 0.9308, 0.1476],
        [0.0047, 0.6914, 0.3039],
    ]),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def linear(colour):
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    x, y, z = np.cbrt(TO_XYZ @ np.clip(rgb, 0, 1) / WHITE)
    return np.array([116 * y, 500 * (x - y), 200 * (y - z)])


def themes():
    """The hues of each theme, and its paper."""
    css = "".join(
        (resources.files("attn.pages") / name).read_text() for name in ("compare.css", "frame.css")
    )
    hues = re.findall(r"--hue-\d: (#\w{6})", css)
    papers = re.findall(r"--paper: (#\w{6})", css)
    half = len(hues) // 2
    return [(hues[:half], papers[0]), (hues[half:], papers[1])]


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", [0, 1])
def test_hues_are_told_apart(theme, vision):
    seen = [lab(VISIONS[vision] @ linear(one)) for one in themes()[theme][0]]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 25


@pytest.mark.parametrize("theme", [0, 1])
def test_hues_stand_out_from_the_paper(theme):
    hues, paper = themes()[theme]
    ground = TO_XYZ[1] @ linear(paper) + 0.05
    for one in hues:
        light = TO_XYZ[1] @ linear(one) + 0.05
        assert max(light, ground) / min(light, ground) > 3
