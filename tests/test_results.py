"""What an evaluation leaves in the folder of its run."""

import numpy as np
import pytest
from messages import exactly

from attn import results
from attn.files import read_json, write_json
from attn.scoring import Scoring, fingerprint
from attn.translation import NOTHING, Translation

SOURCES = ["A dog runs in the garden .", "", "The cat does not sleep ."]
REFERENCES = ["Ein Hund läuft im Garten .", "", "Die Katze schläft nicht ."]


def said(*texts):
    return [
        Translation(text, tuple(text.replace(" ", " ▁").split()), -1.0, True) if text else NOTHING
        for text in texts
    ]


SAID = said("Ein Hund läuft im Haus .", "", "Die Katze schläft .")


def save(run, split="test", translations=SAID, name="beam", **changed):
    """With a search of default options, all given or not."""
    given = {
        "sources": SOURCES,
        "scoring": Scoring(),
        "search": {"name": name, "max_extra": 10},
        "checkpoint": {"name": "step-3", "step": 3, "sha256": "abc"},
        **changed,
    }
    return results.save(run, split, translations, REFERENCES, **given)


def test_scores_come_with_all_that_they_depend_on(tmp_path):
    scores = save(tmp_path)
    texts = [one.text for one in SAID]
    assert scores == {
        **Scoring().corpus(texts, REFERENCES),
        "reference": fingerprint(REFERENCES),
        "translations": fingerprint(texts),
        "checkpoint": {"name": "step-3", "step": 3, "sha256": "abc"},
        "search": {"name": "beam", "max_extra": 10},
    }
    assert results.load_scores(tmp_path) == {"test": {"beam step-3": scores}}


def test_scores_are_kept_by_split_search_and_checkpoint(tmp_path):
    assert results.load_scores(tmp_path) == {}
    first = save(tmp_path)
    other = save(tmp_path, name="greedy")
    third = save(tmp_path, "test_longer")
    wide = save(tmp_path, search={"name": "beam", "size": 11, "length_penalty": 1.0})
    later = save(tmp_path, checkpoint={"name": "step-7", "step": 7, "sha256": "def"})
    again = save(tmp_path, translations=said("Ein Hund .", "", "Eine Katze ."))
    assert again != first
    assert results.load_scores(tmp_path) == {
        "test": {
            "beam step-3": again,
            "greedy step-3": other,
            "beam size=11 length_penalty=1.0 step-3": wide,
            "beam step-7": later,
        },
        "test_longer": {"beam step-3": third},
    }
    assert {path.name for path in (tmp_path / "sentences").iterdir()} == {
        "test.beam-step-3.npz",
        "test.beam-step-7.npz",
        "test.greedy-step-3.npz",
        "test.beam-size-11-length_penalty-1.0-step-3.npz",
        "test_longer.beam-step-3.npz",
    }


def test_text_pieces_reference_and_source_lie_side_by_side(tmp_path):
    save(tmp_path)
    folder = tmp_path / "translations"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "test.beam-step-3.txt": "Ein Hund läuft im Haus .\n\nDie Katze schläft .\n",
        "test.beam-step-3.pieces": "Ein ▁Hund ▁läuft ▁im ▁Haus ▁.\n\nDie ▁Katze ▁schläft ▁.\n",
        "test.ref": "Ein Hund läuft im Garten .\n\nDie Katze schläft nicht .\n",
        "test.src": "A dog runs in the garden .\n\nThe cat does not sleep .\n",
    }


def test_statistics_of_sentences_come_back(tmp_path):
    scores = save(tmp_path)
    statistics = results.load_marked(tmp_path, "test", "beam step-3")[0]
    assert {name: rows.shape[0] for name, rows in statistics.items()} == dict.fromkeys(
        ("BLEU", "chrF", "TER"), 3
    )
    for name, score in Scoring().scores(statistics).items():
        assert score == scores[name]
    with np.load(tmp_path / "sentences" / "test.beam-step-3.npz", allow_pickle=False) as archive:
        assert str(archive["translations"]) == scores["translations"]
        assert str(archive["reference"]) == scores["reference"]


def test_scores_that_were_altered_are_left_out(tmp_path, capsys):
    path, kept = tmp_path / "scores.json", save(tmp_path, name="greedy")
    altered = save(tmp_path)["BLEU"]["score"]
    path.write_text("99.9".join(path.read_text().rsplit(str(altered), 1)))
    every = read_json(path)
    every["test"]["older"] = {"BLEU": {"score": 1.0}}  # of a program that kept no checksums
    write_json(path, every)
    assert results.load_scores(tmp_path) == {
        "test": {"greedy step-3": kept, "older": {"BLEU": {"score": 1.0}}}
    }
    assert capsys.readouterr().err == (
        f"{path}: test, beam step-3: is not as it was written, and left out\n"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "it holds no scores"),
        ('{"test": 3}', "it holds no scores"),
        ("[" * 100_000, "maximum recursion depth exceeded while decoding a JSON array from a "
         "unicode string"),
    ],
    ids=["cut", "list", "number", "deep"],
)  # fmt: skip
def test_a_damaged_file_of_scores_is_told_and_set_aside(tmp_path, capsys, content, why):
    path = tmp_path / "scores.json"
    path.write_text(content)
    assert results.load_scores(tmp_path) == {}
    assert capsys.readouterr().err == (
        f"{path}: is not as it was written ({why}); scores in it are left out\n"
    )
    scores = save(tmp_path)
    assert capsys.readouterr().err == (
        f"{path}: is not as it was written; it is now damaged-scores.json, and a new one is begun\n"
    )
    assert results.load_scores(tmp_path) == {"test": {"beam step-3": scores}}
    assert (tmp_path / "damaged-scores.json").read_text() == content


def test_what_cannot_be_scored_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match=exactly("2 translations for 3 references")):
        save(tmp_path, translations=SAID[:2])
    assert list(tmp_path.iterdir()) == []
