"""What heads do: entropy, and which of them are dead."""

import math
from collections import Counter
from statistics import fmean

import pytest
import torch

from attn.batching import collate
from attn.heads import Head, of_batch, tally


def slow(weights, queries, keys, *, causal):
    """The figures of one head of some sentences, read off their definitions."""
    entropies, shares, masses, distances, places = [], [], [], [], Counter()
    lengths = zip(weights, queries.sum(1).tolist(), keys.sum(1).tolist(), strict=True)
    for rows, asked, known in lengths:
        sizes = [
            [abs(float(w)) for w in row[: min(known, t + 1) if causal else known]]
            for t, row in enumerate(rows[:asked])
        ]
        chosen = [row for row in sizes if len(row) >= 2]
        masses += map(sum, chosen)
        for p in ([size / sum(row) for size in row] for row in chosen if sum(row)):
            entropies.append(-sum(one * math.log(one) for one in p if one))
            shares.append(entropies[-1] / math.log(len(p)))
            places.update({("first", place): one for place, one in enumerate(p)})
            places.update({("last", known - 1 - place): one for place, one in enumerate(p)})
        distances += apart(sizes, max(asked // 2, 1))
    place = max(places.values()) / len(entropies)
    return Head(fmean(entropies), fmean(shares), fmean(distances), place, fmean(masses))


def apart(sizes, half):
    """The total variation distance of each two queries half a sentence apart."""
    for one, two in zip(sizes, sizes[half:], strict=False):
        both = min(len(one), len(two))
        a, b = one[:both], two[:both]
        if both >= 2 and any((*a, *b)):
            alone = not (any(a) and any(b))
            yield (
                1.0
                if alone
                else sum(abs(x / sum(a) - y / sum(b)) for x, y in zip(a, b, strict=True)) / 2
            )


def random(causal, generator, kind):
    queries = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0]]).bool()
    keys = queries if causal else torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    weights = torch.randn(3, 2, 6, keys.shape[1], generator=generator, dtype=torch.float64)
    if kind == "exact":
        weights = weights.masked_fill(~keys[:, None, None], -torch.inf).softmax(-1)
    weights[0, :, 3] = 0
    return weights, queries, keys


@pytest.mark.parametrize("kind", ["exact", "signed"])
@pytest.mark.parametrize("causal", [False, True])
def test_the_figures_are_those_of_their_definitions(causal, kind):
    weights, queries, keys = random(causal, torch.Generator().manual_seed(3), kind)
    found = tally(weights, queries, keys, causal=causal).heads()
    for head, one in enumerate(found):
        expected = slow(weights[:, head], queries, keys, causal=causal)
        assert vars(one) == pytest.approx(vars(expected))


def test_more_sentences_are_as_if_all_stood_in_one_batch():
    weights, queries, keys = random(False, torch.Generator().manual_seed(4), "exact")
    whole = tally(weights, queries, keys, causal=False).heads()
    first = tally(weights[:2], queries[:2], keys[:2], causal=False)
    last = tally(weights[2:, :, :, :2], queries[2:], keys[2:, :2], causal=False)
    for one, two in zip(whole, (first + last).heads(), strict=True):
        assert vars(one) == pytest.approx(vars(two))


def head_of(rows, *, causal=False):
    weights = torch.as_tensor(rows, dtype=torch.float64)[None, None]
    real = (torch.ones(1, side, dtype=torch.bool) for side in weights.shape[2:])
    (found,) = tally(weights, *real, causal=causal).heads()
    return found


BY_KEY = torch.rand(6, generator=torch.Generator().manual_seed(5)).expand(6, 6)


@pytest.mark.parametrize(
    ("rows", "causal", "why"),
    [
        (torch.eye(6), False, None),
        (torch.eye(6), True, None),
        (torch.full((6, 6), 1 / 6), False, "same for all"),
        # The scores of keys, whatever the query; a decoder sees ever more of them.
        (BY_KEY.softmax(-1), False, "same for all"),
        (BY_KEY.exp().tril() / BY_KEY.exp().tril().sum(-1, keepdim=True), True, "same for all"),
        (torch.eye(6)[[0] * 6], False, "one place"),
        (torch.eye(6)[[5] * 6], False, "one place"),
        (torch.eye(6) * 0.05, False, "nearly no weight"),
    ],
)
def test_a_head_is_dead_that_tells_nothing_of_the_sentence(rows, causal, why):
    assert head_of(rows, causal=causal).dead == why


def test_uniform_attention_has_the_entropy_of_all_places():
    one = head_of(torch.full((3, 5), 1 / 5))
    assert (one.entropy, one.normalised) == pytest.approx((math.log(5), 1.0))
    assert head_of(torch.eye(4)).entropy == 0


def test_roles_see_their_own_sides():
    batch = collate([([4, 5, 6], [7]), ([4], [7, 8])], [0, 1])
    source, target = batch.source.shape[1], batch.labels.shape[1]
    shapes = {"encoder.0": (source, source), "decoder.0": (target, target)}
    shapes["cross.1"] = (target, source)
    even = {name: torch.ones(2, 1, *shape) for name, shape in shapes.items()}
    found = of_batch(batch, even)
    # Source 4 and 2 places, target 2 and 3; the first query of a decoder has no choice.
    assert {name: one.queries for name, one in found.items()} == {
        "encoder.0": 6, "decoder.0": 3, "cross.1": 5,
    }  # fmt: skip
    (cross,) = found["cross.1"].heads()
    assert cross.entropy == pytest.approx((2 * math.log(4) + 3 * math.log(2)) / 5)
