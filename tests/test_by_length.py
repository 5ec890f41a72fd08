"""Scores by the lengths of sources, from the translations of the whole."""

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from test_reach import trained  # noqa: F401 - a fixture
from test_results import REFERENCES, SAID, save

from attn import results, scoring
from attn.cli import main
from attn.scoring import Scoring
from attn.translation import Translator

SOURCES = ["a b c", "", "a b c d e f"]


@given(
    st.lists(st.integers(0, 12).map(lambda n: " ".join("w" * n)), min_size=1),
    st.sets(st.integers(1, 12), min_size=1).map(sorted),
)
def test_groups_partition_the_sentences(sources, bounds):
    groups = scoring.by_length(sources, bounds)
    assert sorted(row for rows in groups.values() for row in rows) == list(range(len(sources)))
    for group, rows in groups.items():
        least, most = group.split("-")
        assert all(int(least) <= len(sources[row].split()) <= int(most or 99) for row in rows)


def test_groups_are_named_by_their_lengths():
    assert scoring.by_length(SOURCES, [3, 4]) == {"0-3": [0, 1], "4-4": [], "5-": [2]}
    assert scoring.by_length(SOURCES, []) == {}


def test_a_group_has_the_scores_of_its_sentences_alone(tmp_path):
    groups = scoring.by_length(SOURCES, [3, 4])
    scores = save(tmp_path, groups=groups)
    texts = [one.text for one in SAID]
    here = Scoring().corpus(texts[:2], REFERENCES[:2])
    found = scores["by_length"]
    assert found["0-3"] == {"sentences": 2, **{name: here[name]["score"] for name in here}}
    assert found["4-4"] == {"sentences": 0}
    bleu = sacrebleu.corpus_bleu(texts[2:], [REFERENCES[2:]], force=True).score
    assert found["5-"]["BLEU"] == pytest.approx(bleu)
    assert results.load_scores(tmp_path)["test"]["beam step-3"] == scores


def test_one_group_of_all_has_the_score_of_the_whole(tmp_path):
    scores = save(tmp_path, groups=scoring.by_length(SOURCES, [9]))
    assert scores["by_length"]["0-9"]["BLEU"] == scores["BLEU"]["score"]


def test_without_groups_nothing_is_kept_of_them(tmp_path):
    assert "by_length" not in save(tmp_path)
    assert "by_length" not in save(tmp_path, groups={})


@pytest.mark.long
def test_an_evaluation_translates_once_and_shows_every_length(trained, capsys, monkeypatch):  # noqa: F811
    calls, translate = [], Translator.translate

    def counted(self, texts, search):
        calls.append(len(texts))
        return translate(self, texts, search)

    monkeypatch.setattr(Translator, "translate", counted)
    options = ["samples=0", "search.size=1", "search=beam", "by_length=[6,8,99]"]
    assert main(["evaluate", f"run={trained}", *options]) == 0
    table = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert table[0].split() == ["words", "sentences", "BLEU", "chrF", "TER"]
    assert [row.split()[0] for row in table[1:]] == ["0-6", "7-8", "9-99", "100-"]
    assert table[4].split() == ["100-", "0", "-", "-", "-"]
    assert sum(int(row.split()[1]) for row in table[1:]) == 12
    assert calls == [12]


@pytest.mark.long
@pytest.mark.parametrize("bounds", ["[20,10]", "[0,5]", "[5,5]", "[5,x]", "[2.5]"])
def test_bounds_that_part_nothing(trained, capsys, bounds):  # noqa: F811
    assert main(["evaluate", f"run={trained}", f"by_length={bounds}"]) == 2
    assert capsys.readouterr().err == (
        f"by_length={bounds}: must be whole numbers from 1 on, each above the one before\n"
    )
