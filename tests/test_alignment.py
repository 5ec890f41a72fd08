"""Which words a head aligns, and how that agrees with a gold alignment."""

import pytest
import torch
from messages import exactly

from attn import alignment
from attn.alignment import Agreement, Gold, agreement, hard, merged
from attn.corpora import Pair


def test_words_are_the_sum_of_what_is_seen_and_the_mean_of_what_looks():
    weights = torch.rand(2, 3, 5, 7)
    rows, columns = [range(2), range(3, 4)], [range(1), range(1, 4), range(5, 7)]
    found = merged(weights, rows, columns)
    assert found.shape == (2, 3, 2, 3)
    for down, row in enumerate(rows):
        for along, column in enumerate(columns):
            expected = sum(weights[..., j, i] for j in row for i in column) / len(row)
            torch.testing.assert_close(found[..., down, along], expected)


def test_merged_rows_of_all_pieces_sum_to_one():
    weights = torch.rand(3, 4, 6).softmax(-1)
    found = merged(weights, [range(3), range(3, 4)], [range(4), range(4, 6)])
    torch.testing.assert_close(found.sum(-1), torch.ones(3, 2))


def test_the_word_with_the_largest_weight_is_linked_and_none_if_there_is_no_weight():
    assert hard(torch.tensor([[0.1, 0.9], [0.0, 0.0], [-0.2, 0.1]])).tolist() == [1, -1, 1]


def slow(links, gold):
    """The sets of Och and Ney 2003."""
    made = {(source, target) for target, source in enumerate(links) if source >= 0}
    met = len(made & gold.sure) + len(made & gold.possible)
    return len(made), met, 1 - met / (len(made) + len(gold.sure))


@pytest.mark.parametrize("seed", range(20))
def test_the_error_rate_is_that_of_sets(seed):
    generator = torch.Generator().manual_seed(seed)
    sources, targets, heads = 4, 5, 3
    links = torch.randint(-1, sources, (heads, targets), generator=generator)
    pick = torch.randint(0, 4, (sources, targets), generator=generator)
    every = [(i, j) for i in range(sources) for j in range(targets)]
    gold = Gold.of(
        [(i, j) for i, j in every if pick[i, j] == 0], [(i, j) for i, j in every if pick[i, j] == 1]
    )
    found = agreement(links, gold, sources)
    expected = [slow(row, gold) for row in links.tolist()]
    assert found.made.tolist() == [made for made, _, _ in expected]
    assert found.met.tolist() == [met for _, met, _ in expected]
    torch.testing.assert_close(found.error_rate, torch.tensor([rate for *_, rate in expected]))


def test_a_perfect_alignment_has_no_error_and_links_that_may_be_are_none():
    gold = Gold.of([(0, 2), (1, 1), (2, 0)], [(0, 1)])
    links = hard(torch.eye(3).flip(0)[None])
    assert agreement(links, gold, 3).error_rate.tolist() == [0.0]
    # S is no smaller for a possible link in place of a sure one: A and S 2, A and P 3, A 3, S 3.
    other = agreement(torch.tensor([[2, 0, 0]]), gold, 3).error_rate
    assert other.tolist() == pytest.approx([1 - 5 / 6])


def test_sentences_are_summed_and_not_averaged():
    one = Agreement(torch.tensor([4]), torch.tensor([8]), 4)
    two = Agreement(torch.tensor([1]), torch.tensor([0]), 1)
    assert (one + two).error_rate.tolist() == pytest.approx([1 - 8 / 10])


PAIRS = [Pair("a b c", "x y"), Pair("a", "x y z")]


def read(folder, text):
    path = folder / "gold.align"
    path.write_text(text)
    return path, lambda: alignment.read(path, PAIRS)


def test_a_file_of_links(tmp_path):
    _, found = read(tmp_path, "0-0 2-1 1?1 0p1\n\n")
    assert found() == [
        Gold(frozenset({(0, 0), (2, 1)}), frozenset({(0, 0), (2, 1), (1, 1), (0, 1)})),
        Gold(frozenset(), frozenset()),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0-0\n", "{path} has 1 lines, and the split 2 sentences; line n must align sentence n"),
        (
            "0-0\n0-0 0:1\n",
            "{path}, line 2: '0:1' is no link; write 3-4 for source word 3 and target word 4, from "
            "0 on, or 3?4 for a possible link",
        ),
        (
            "3-0\n\n",
            "{path}, line 1: '3-0' names word 3 of a source that has 3 words; they are counted "
            "from 0",
        ),
        (
            "\n0?3\n",
            "{path}, line 2: '0?3' names word 3 of a target that has 3 words; they are counted "
            "from 0",
        ),
    ],
)
def test_a_file_that_aligns_something_else(tmp_path, text, message):
    path, found = read(tmp_path, text)
    with pytest.raises(ValueError, match=exactly(message.format(path=path))):
        found()
