"""What is reported of the steps since the last report."""

import math

import torch

from attn.batching import collate
from attn.meter import Meter

SHORT = collate([([4, 5], [4])], [0])  # 3 source and 2 target tokens
PADDED = collate([([4], [4, 5, 6]), ([4, 5, 6], [4])], [0, 1])  # 4 x 2 places a side, 6 real


def add(meter, batches, likelihood, norm):
    meter.add(batches, torch.tensor(likelihood), torch.tensor(norm))


def test_means_are_over_tokens_steps_and_places():
    meter = Meter(seconds=10.0)
    add(meter, [SHORT], 6.0, 1.0)
    add(meter, [SHORT, PADDED], 14.0, 3.0)
    assert meter.means(14.0) == {
        "loss": 20 / 10,
        "perplexity": math.exp(2.0),
        "gradient_norm": 2.0,
        "skipped": 0.0,
        "tokens_per_second": 10 / 4,
        "tokens_per_step": 5.0,
        "padding": 4 / 26,
    }


def test_a_new_period_begins_with_each_report():
    meter = Meter()
    add(meter, [SHORT], 6.0, 1.0)
    meter.means(1.0)
    add(meter, [SHORT], 2.0, 5.0)
    means = meter.means(3.0)
    assert (means["loss"], means["gradient_norm"]) == (1.0, 5.0)
    assert means["tokens_per_second"] == 1.0


def test_steps_that_were_left_out_are_counted_and_in_no_mean():
    meter = Meter()
    for norm in (math.nan, math.inf):
        add(meter, [PADDED], math.nan, norm)
    assert float(meter.row) == 2
    add(meter, [SHORT], 6.0, 1.0)
    assert float(meter.row) == 0
    means = meter.means(1.0)
    assert (means["loss"], means["gradient_norm"], means["skipped"]) == (3.0, 1.0, 2.0)


def test_where_no_step_counts_nothing_is_known():
    meter = Meter()
    add(meter, [PADDED], math.nan, math.inf)
    means = meter.means(1.0)
    assert all(math.isnan(means[name]) for name in ("loss", "perplexity", "gradient_norm"))


def test_it_goes_on_from_its_state():
    one, other = Meter(), Meter()
    add(one, [SHORT], 6.0, math.inf)
    other.restore(one.state())
    for meter in (one, other):
        add(meter, [PADDED], 2.0, 3.0)
    assert float(other.row) == float(one.row)
    assert other.means(2.0) == one.means(2.0)
