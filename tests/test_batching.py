"""Batches hold every pair once, within their budget, in an order that can be gone on with."""

import threading
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import exactly

from attn.batching import Batches, collate
from attn.corpora.multi30k import Multi30k
from attn.prefetch import ahead
from attn.tokenizers import BOS, EOS, PAD
from attn.tokenizers.subwords import BytePairs

MULTI30K = Path(__file__).parent.parent.parent / "shared" / "data" / "multi30k"
SIDE = st.lists(st.integers(4, 97), max_size=13)
PAIRS = st.lists(st.tuples(SIDE, SIDE), max_size=61)
LONGEST = 11
BUDGETS = st.integers(LONGEST + 1, 97)


def groups(batches):
    return [batch.indices for batch in batches]


def same(some, others):
    return len(some) == len(others) and all(
        one.indices == other.indices
        and one.tokens == other.tokens
        and torch.equal(one.source, other.source)
        and torch.equal(one.target, other.target)
        for one, other in zip(some, others, strict=True)
    )


@pytest.fixture
def pairs():
    """Pairs of many lengths; nothing in them is special."""
    generator = torch.Generator().manual_seed(3)
    lengths = torch.randint(1, 31, (211, 2), generator=generator).tolist()
    return [
        tuple(torch.randint(4, 97, (length,), generator=generator).tolist() for length in two)
        for two in lengths
    ]


# One batch.


@given(pairs=st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=7))
@settings(deadline=None, max_examples=50)
def test_a_batch_is_what_a_loop_makes(pairs):
    indices = [3 * place for place in range(len(pairs))]
    batch = collate(pairs, indices)
    sources = [[*source, EOS] for source, _ in pairs]
    targets = [[BOS, *target, EOS] for _, target in pairs]
    for made, rows in ((batch.source, sources), (batch.target, targets)):
        width = max(map(len, rows))
        assert made.tolist() == [row + [PAD] * (width - len(row)) for row in rows]
    assert batch.indices == tuple(indices)
    assert batch.source_valid.sum(1).tolist() == [len(row) for row in sources]
    assert batch.inputs.tolist() == batch.target[:, :-1].tolist()
    assert batch.labels.tolist() == batch.target[:, 1:].tolist()


@given(pairs=st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=7))
@settings(deadline=None, max_examples=50)
def test_padding_is_what_is_neither_source_nor_label(pairs):
    batch = collate(pairs, range(len(pairs)))
    assert batch.tokens == int((batch.labels != PAD).sum())
    assert batch.cells == batch.source.numel() + batch.labels.numel()
    assert batch.padding == int((batch.source == PAD).sum() + (batch.labels == PAD).sum())


def test_a_batch_goes_to_a_device():
    batch = collate([([5, 7], [11])], [0])
    assert batch.to(torch.device("cpu")) is batch
    moved = batch.to(torch.device("meta"))
    assert {moved.source.device.type, moved.target.device.type} == {"meta"}
    assert (moved.tokens, moved.indices) == (batch.tokens, batch.indices)


@pytest.mark.gpu
def test_pinned_batches_are_the_same(pairs):
    batches = Batches(tokens=97, max_length=31)
    plain = list(batches.epoch(pairs, seed=1, epoch=0))
    pinned = list(batches.epoch(pairs, seed=1, epoch=0, pin=True))
    assert all(batch.source.is_pinned() and batch.target.is_pinned() for batch in pinned)
    assert same(plain, pinned)


# One epoch.


@pytest.mark.long
@given(pairs=PAIRS, tokens=BUDGETS, seed=st.integers(0, 97))
@settings(deadline=None, max_examples=50)
def test_every_pair_that_can_be_trained_on_comes_once(pairs, tokens, seed):
    made = list(Batches(tokens=tokens, max_length=LONGEST).epoch(pairs, seed=seed, epoch=0))
    expected = [
        index
        for index, (source, target) in enumerate(pairs)
        if source and target and max(len(source), len(target)) <= LONGEST
    ]
    assert sorted(index for group in groups(made) for index in group) == expected
    assert same(made, [collate([pairs[i] for i in one.indices], one.indices) for one in made])


@pytest.mark.long
@given(pairs=PAIRS, tokens=BUDGETS)
@settings(deadline=None, max_examples=50)
def test_both_sides_keep_the_budget(pairs, tokens):
    for batch in Batches(tokens=tokens, max_length=LONGEST).epoch(pairs, seed=1, epoch=0):
        assert batch.source.numel() <= tokens
        assert batch.labels.numel() <= tokens


def test_what_is_left_out_is_counted():
    some, long, longer = [5] * 3, [5] * 4, [5] * 5
    pairs = [(some, some), ([], some), (some, []), ([], longer), (long, some), (some, longer)]
    batches = Batches(tokens=7, max_length=3)
    assert batches.usable(pairs) == ([0], {"empty": 3, "too_long": 2})
    assert groups(batches.epoch(pairs, seed=1, epoch=0)) == [(0,)]


@given(pairs=PAIRS, seed=st.integers(0, 97), epoch=st.integers(0, 97), start=st.integers(0, 61))
@settings(deadline=None, max_examples=50)
def test_an_epoch_goes_on_from_any_batch(pairs, seed, epoch, start):
    batches = Batches(tokens=31, max_length=LONGEST)
    whole = list(batches.epoch(pairs, seed=seed, epoch=epoch))
    assert same(list(batches.epoch(pairs, seed=seed, epoch=epoch, start=start)), whole[start:])


def test_weights_say_how_often_a_pair_comes():
    pairs, batches = [([5], [7])] * 300, Batches(tokens=97, max_length=31)
    weights = [0.25, 2.0, 1.5] * 100
    counts = [
        Counter(
            i
            for group in groups(batches.epoch(pairs, seed=1, epoch=e, weights=weights))
            for i in group
        )
        for e in range(20)
    ]
    for weight, allowed in ((0.25, {0, 1}), (2.0, {2}), (1.5, {1, 2})):
        comes = [count[i] for count in counts for i in range(300) if weights[i] == weight]
        assert set(comes) == allowed
        assert sum(comes) / len(comes) == pytest.approx(weight, abs=0.05)
    assert groups(batches.epoch(pairs, seed=1, epoch=0, weights=[1.0] * 300)) != groups(
        batches.epoch(pairs, seed=1, epoch=1, weights=[1.0] * 300)
    )


def test_seed_and_epoch_alone_say_the_order(pairs):
    batches, others = (Batches(tokens=97, max_length=31) for _ in range(2))
    first = groups(batches.epoch(pairs, seed=1, epoch=0))
    torch.manual_seed(7)
    assert groups(others.epoch(pairs, seed=1, epoch=0)) == first
    for seed, epoch in ((1, 1), (2, 0), (0, 1)):
        assert groups(batches.epoch(pairs, seed=seed, epoch=epoch)) != first


def test_short_batches_and_long_ones_are_mixed(pairs):
    """Sorted by length they would teach short sentences first."""
    made = Batches(tokens=97, max_length=31).epoch(pairs, seed=1, epoch=0)
    widths = [batch.source.shape[1] for batch in made]
    assert widths not in (sorted(widths), sorted(widths, reverse=True))
    assert len(set(widths[: len(widths) // 2])) > 5


def test_an_epoch_without_pairs_ends():
    assert list(Batches().epoch([], seed=1, epoch=0)) == []
    assert Batches().in_order([]) == []


@pytest.mark.long
@pytest.mark.skipif(
    not MULTI30K.is_dir(), reason="needs the Multi30k data in ../shared/data/multi30k"
)
def test_multi30k_is_padded_little():
    """Under a tenth by far; a batch holds nearly the target tokens that the budget allows."""
    train = Multi30k(root=str(MULTI30K)).read("train")
    tokenizer = BytePairs()
    tokenizer.train(side for pair in train for side in (pair.source, pair.target))
    encode = tokenizer.encode
    pairs = [(encode(pair.source), encode(pair.target)) for pair in train]
    made = list(Batches(tokens=4096).epoch(pairs, seed=1, epoch=0))
    assert sum(batch.padding for batch in made) / sum(batch.cells for batch in made) < 0.04
    assert sum(batch.tokens for batch in made) / len(made) > 3800


# Widths that are multiples.


@pytest.mark.long
@given(pairs=PAIRS, multiple=st.integers(1, 9), more=st.integers(0, 61))
@settings(deadline=None, max_examples=50)
def test_padded_to_a_multiple_batches_hold_the_same_within_their_budget(pairs, multiple, more):
    batches = Batches(
        tokens=Batches(tokens="auto", max_length=LONGEST, multiple=multiple).least + more,
        max_length=LONGEST,
        multiple=multiple,
    )
    made = list(batches.epoch(pairs, seed=1, epoch=0))
    assert sorted(index for group in groups(made) for index in group) == batches.usable(pairs)[0]
    for batch in made:
        plain = collate([pairs[i] for i in batch.indices], batch.indices)
        for one, other in ((batch.source, plain.source), (batch.labels, plain.labels)):
            assert one.shape[1] % multiple == 0
            assert one.shape[1] - other.shape[1] < multiple
            assert one.numel() <= batches.tokens
            assert torch.equal(one[:, : other.shape[1]], other)
            assert (one[:, other.shape[1] :] == PAD).all()
        assert batch.tokens == plain.tokens
        assert batch.padding == batch.cells - (plain.cells - plain.padding)


def test_multiples_leave_few_shapes(pairs):
    def shapes(multiple):
        batches = Batches(tokens=97, max_length=31, multiple=multiple)
        made = batches.epoch(pairs, seed=1, epoch=0)
        return {(batch.source.shape[1], batch.labels.shape[1]) for batch in made}

    assert len(shapes(8)) <= 16 < len(shapes(1))


# For a probe.


@pytest.mark.long
@given(pairs=PAIRS, tokens=BUDGETS)
@settings(deadline=None, max_examples=50)
def test_from_the_longest_batches_are_full_but_the_last(pairs, tokens):
    batches = Batches(tokens=tokens, max_length=LONGEST)
    made = batches.from_longest(pairs)
    usable = batches.usable(pairs)[0]
    assert sorted(index for group in made for index in group) == usable
    widths = [[max(map(len, pairs[index])) + 1 for index in group] for group in made]
    assert [w for some in widths for w in some] == sorted(
        (w for some in widths for w in some), reverse=True
    )
    for group, longest in zip(made, [some[0] for some in widths], strict=True):
        assert len(group) == tokens // longest or group is made[-1]
        batch = batches.batch(pairs, group)
        assert same([batch], [collate([pairs[i] for i in group], group)])


# For evaluation.


@pytest.mark.long
@given(
    pairs=PAIRS,
    tokens=BUDGETS,
    rows=st.sampled_from([1, 5]),
    workers=st.sampled_from([1, 2, 3]),
    least=st.integers(31, 97) | st.just(4096),
)
@settings(deadline=None, max_examples=50)
def test_in_order_leaves_nothing_out(pairs, tokens, rows, workers, least):
    batches = Batches(tokens=tokens, max_length=LONGEST)
    made = batches.in_order(pairs, least=least, rows=rows, workers=workers)
    assert sorted(index for group in made for index in group) == list(range(len(pairs)))
    for group in made:
        batch = collate([pairs[i] for i in group], group)
        most = max(batch.source.numel(), batch.labels.numel())
        assert len(group) == 1 or most * rows <= max(tokens, least)
    sources = [len(pairs[index][0]) for group in made for index in group]
    assert sources == sorted(sources)


def test_what_is_searched_is_dealt_out_evenly():
    """One worker would wait for the other, were one batch full and the other what was left."""
    pairs = [([5] * (1 + number % 30), ()) for number in range(1000)]
    places = [
        [collate([pairs[i] for i in group], group).source.numel() for group in batches]
        for batches in (
            Batches().in_order(pairs, least=12_000, workers=workers) for workers in (1, 2)
        )
    ]
    assert [len(one) for one in places] == [3, 4]
    assert max(places[0]) > 10 * min(places[0])
    assert max(places[1]) < 1.1 * min(places[1])


def test_a_few_sentences_are_not_dealt_out():
    assert len(Batches().in_order([([5] * 9, ())] * 200, workers=8)) == 1
    assert len(Batches().in_order([([5] * 9, ())] * 200, rows=2, workers=8)) == 3


# Ahead of the model.


def numbered(count):
    return (collate([([5], [7])], [place]) for place in range(count))


def running():
    return [thread for thread in threading.enumerate() if thread.name == "batches"]


@pytest.mark.parametrize("room", [1, 3])
def test_made_ahead_is_the_same_in_order(room):
    assert groups(ahead(numbered(31), room)) == [(place,) for place in range(31)]
    assert running() == []


def test_no_more_is_made_ahead_than_there_is_room():
    room, made, used, lead = 3, 0, 0, []

    def counted():
        nonlocal made
        for batch in numbered(31):
            made += 1
            lead.append(made - used)
            yield batch

    for _ in ahead(counted(), room):
        used += 1
    # One more is in the maker's hands, and one in the user's.
    assert 1 <= max(lead) <= room + 2


def test_nothing_is_made_before_it_is_asked_for():
    batches = ahead(Batches().epoch([([5], [7])], seed=1, epoch=0), 1)
    assert running() == []
    assert groups(batches) == [(0,)]


def test_who_stops_early_leaves_no_thread():
    batches = ahead(numbered(31), 1)
    assert next(batches).indices == (0,)
    assert len(running()) == 1
    batches.close()
    assert running() == []


def test_what_is_raised_is_raised_where_batches_are_used():
    def failing():
        yield from numbered(2)
        raise ZeroDivisionError("as a test")

    found = []
    with pytest.raises(ZeroDivisionError, match=exactly("as a test")):
        found.extend(batch.indices for batch in ahead(failing(), 7))
    assert found == [(0,), (1,)]
    assert running() == []


# Options.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": 0}, "tokens=0: must be at least 1"),
        ({"max_length": 0}, "max_length=0: must be at least 1"),
        ({"ahead": 0}, "ahead=0: must be at least 1"),
        (
            {"tokens": 256},
            "tokens=256: must be above max_length=256, so that the longest sentence fits into a "
            "batch",
        ),
        ({"multiple": 0}, "multiple=0: must be at least 1"),
        ({"tokens": "many"}, "tokens=many: must be a whole number, or auto"),
        (
            {"tokens": 257, "multiple": 8},
            "tokens=257: must be at least 264, so that a sentence of max_length=256, padded to "
            "multiple=8, fits into a batch",
        ),
    ],
)
def test_options_out_of_their_range_are_refused(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        Batches(**options)


def test_auto_is_the_default_until_it_is_settled():
    batches = Batches(tokens="auto", max_length=7, multiple=4, ahead=3)
    assert (batches.automatic, batches.tokens) == (True, Batches().tokens)
    settled = batches.settled(9)
    assert not settled.automatic
    assert vars(settled) == vars(Batches(tokens=9, max_length=7, multiple=4, ahead=3))
