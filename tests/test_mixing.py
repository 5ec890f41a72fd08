"""Several training corpora side by side, with weights and tags."""

import pytest
from messages import exactly

from attn import assemble
from attn.cli import main
from attn.corpora import Pair
from attn.corpora.parallel import Parallel


@pytest.fixture
def root(tmp_path):
    """A folder with two training corpora."""
    for stem, words in (("news", "a b c"), ("talks", "d e"), ("dev", "f"), ("test", "g")):
        for language in ("en", "de"):
            text = "".join(f"{word} {language}\n" for word in words.split())
            (tmp_path / f"{stem}.{language}").write_text(text, encoding="utf-8")
    return tmp_path


def corpus(root, **options):
    return Parallel(root=str(root), train=["news", "talks"], **options)


def test_they_come_one_after_the_other(root):
    sources = [pair.source for pair in corpus(root).read("train")]
    assert sources == ["a en", "b en", "c en", "d en", "e en"]


def test_each_pair_has_the_weight_of_its_corpus(root):
    pairs = corpus(root, weights=[0.5, 3.0])
    assert [pair.weight for pair in pairs.read("train")] == [0.5, 0.5, 0.5, 3.0, 3.0]
    assert [pair.weight for pair in pairs.read("dev")] == [1.0]


def test_a_tag_stands_before_each_source_that_says_something(root):
    (root / "talks.en").write_text("d en\n \n", encoding="utf-8")
    pairs = corpus(root, tags=["", "<talk>"], held_out_tag="<news>")
    assert pairs.read("train")[2:] == [
        Pair("c en", "c de"), Pair("<talk> d en", "d de", tag="<talk>"), Pair(" ", "e de"),
    ]  # fmt: skip
    assert pairs.read("dev") == [Pair("<news> f en", "f de", tag="<news>")]
    assert pairs.read("test") == [Pair("<news> g en", "g de", tag="<news>")]


def test_weights_change_what_is_trained_and_none_of_one_do_not(root):
    def material(weights):
        dataset = {"name": "parallel", "root": str(root), "train": ["news", "talks"]}
        return assemble.material({
            "dataset": {**dataset, "weights": weights},
            "tokenizer": {"name": "words"},
            "filters": {},
        })

    plain, same, other = (material(weights) for weights in (None, [1.0, 1.0], [1.0, 2.0]))
    assert plain.weights is same.weights is None
    assert plain.fingerprint == same.fingerprint != other.fingerprint
    assert other.weights == [1.0, 1.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": []}, "train=[]: names no file; give at least one"),
        (
            {"train": ["news", "talks", "news"]},
            "train=[news, talks, news]: news comes twice; give it a weight",
        ),
        (
            {"weights": [1.0]},
            "weights=[1.0]: must be 2, one for each of train=[news, talks]",
        ),
        (
            {"tags": ["<a>", "<b>", "<c>"]},
            "tags=[<a>, <b>, <c>]: must be 2, one for each of train=[news, talks]",
        ),
        ({"weights": [1.0, 0.0]}, "weights=[1.0, 0.0]: must be from 0.001 to 1000"),
        ({"weights": [float("nan"), 1.0]}, "weights=[nan, 1.0]: must be from 0.001 to 1000"),
        ({"weights": [1e300, 1.0]}, "weights=[1e+300, 1.0]: must be from 0.001 to 1000"),
        (
            {"train": ["news", "tlks"]},
            "train=tlks: needs tlks.en and tlks.de (or packed: .gz, .xz, .zst); {root} holds "
            "dev.de, dev.en, news.de, news.en, talks.de, talks.en, test.de, test.en",
        ),
    ],
)
def test_what_does_not_fit_is_named(root, options, message):
    with pytest.raises(ValueError, match=exactly(message.format(root=root))):
        Parallel(root=str(root), **{"train": ["news", "talks"], **options})


@pytest.mark.long
def test_the_command_line_takes_one_or_several(root, capsys):
    """What is checked is all there is: no epoch fits into a batch of so few tokens."""
    common = ["train", "dataset=parallel", f"dataset.root={root}", "batches.tokens=1"]
    for train in ("dataset.train=news", "dataset.train=[news,talks]"):
        assert main([*common, train, "dataset.weights=2"]) == 2
        told = capsys.readouterr().err
        assert "batches.tokens=1: must be above max_length=256" in told
        assert ("dataset.weights=2: must be 2" in told) is (train.endswith("]"))


def test_files_are_found_by_whole_paths_and_by_stars_anywhere(root):
    (root / "a[1].tsv").write_text("x\ty\n")
    (root / "dir.tsv").mkdir()
    for name in (str(root / "a[1].tsv"), "a[1].tsv", "**.tsv", str(root / "a*.tsv")):
        found = Parallel(root=str(root), train=[name], columns=["1", "2"]).read("train")
        assert found == [Pair("x", "y")], name
    (found,) = Parallel(
        root="/", train=[f"{root}/tal*"], dev=f"{root}/dev", test=[f"{root}/test"]
    )._files["train"]
    assert len(found[0]) == 1
    with pytest.raises(ValueError, match=r"^train=dir\.tsv: there is none; "):
        Parallel(root=str(root), train=["dir.tsv"], columns=["1", "2"])
