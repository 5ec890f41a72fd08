"""``attn maps`` and ``attn align``: from the command line to pages, pictures and scores."""

import contextlib
import csv
import io

import pytest
import torch
from direct import call
from test_maps_page import held

from attn import results, runs
from attn.cli import main
from attn.corpora import Pair
from attn.pictures import sentences
from attn.pictures.maps import STEPS
from attn.search.greedy import Greedy
from attn.trained import Trained

pytestmark = pytest.mark.long
SMALL = [
    "experiment=smoke", "precision.device=cpu", "precision.dtype=fp32", "trainer.steps=2",
    "trainer.evaluate_every=2", "trainer.samples=0", "dataset.train_size=60", "dataset.dev_size=5",
    "dataset.test_size=6", *(f"{search}.{limit}" for search in ("search", "validation_search")
                             for limit in ("max_ratio=1.0", "max_extra=3")),
]  # fmt: skip
ON_CPU = {"device": "cpu", "dtype": "fp32", "tf32": True, "threads": 0, "keep_memory": True}


def train(folder, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["train", *SMALL, f"output={folder}", *arguments]) == 0
    return runs.find(str(folder))


@pytest.fixture(scope="module")
def run(tmp_path_factory, unchecked):
    return train(tmp_path_factory.mktemp("transformer"), "batches.max_length=11")


@pytest.fixture(scope="module")
def other(tmp_path_factory, unchecked):
    few = ["model=recurrent", "model.dim=16", "attention=additive_raw", "tokenizer=characters"]
    return train(tmp_path_factory.mktemp("recurrent"), *few)


@pytest.fixture(scope="module")
def deaf(tmp_path_factory, unchecked):
    few = ["model=recurrent", "attention=none", "model.dim=16"]
    return train(tmp_path_factory.mktemp("deaf"), *few)


# attn maps


def test_a_page_of_two_runs_is_written(run, other, tmp_path, capsys):
    path = tmp_path / "new" / "maps.html"
    arguments = ["split=test", "sentences=[0,5]", f"file={path}"]
    assert main(["maps", f"run={run}", f"other={other}", *arguments]) == 0
    told = capsys.readouterr()
    assert told.out == f"{path}\n"
    assert told.err.splitlines() == [
        "recurrent, additive: encoder: model=recurrent has no self-attention in its encoder",
        "recurrent, additive: decoder: model=recurrent has no self-attention in its decoder",
    ]
    data = held(path.read_text(encoding="utf-8"))
    assert [one["name"] for one in data["runs"]] == ["transformer, softmax", "recurrent, additive"]
    assert [one["name"] for one in data["sentences"]] == ["test 0", "test 5"]
    for sentence in data["sentences"]:
        assert len(sentence["gold"]) == len(sentence["texts"][0].split())
        first, second = sentence["readings"]
        assert set(first["maps"]) == {"encoder.0", "decoder.0", "cross.0"}
        assert set(second["maps"]) == {"cross.0"}
        names = [[name for name, *_ in one["sides"]["said"]["words"]] for one in (first, second)]
        assert names[0] == names[1]
        for reading in (first, second):
            (columns,) = {len(reading["sides"]["source"]["pieces"])}
            values = torch.tensor(reading["maps"]["cross.0"]["values"]).view(-1, columns)
            assert values.sum(-1).tolist() == [STEPS] * len(values)


@pytest.mark.parametrize(
    "arguments",
    [
        ["text=a, 'b' $c$", "file={file}.html"],
        ["text=a b", "search=beam", "weights=steps", "file={file}.SVG"],
        ["split=test", "sentences=[2]", "target=translation", "file={file}.html"],
        ["split=test", "sentences=[1,0]", "role=cross", "head=mean", "file={file}.png"],
        ["split=test", "other={other}", "role=cross", "layer=0", "file={file}.png"],
        ["split=test", "other={run}", "file={file}.png"],
    ],
)
def test_pages_and_pictures_are_written(run, other, tmp_path, capsys, arguments):
    known = {"file": tmp_path / "a, b", "other": other, "run": run}
    assert main(["maps", f"run={run}", *(one.format(**known) for one in arguments)]) == 0
    (path,) = tmp_path.iterdir()
    assert capsys.readouterr().out == f"{path}\n"
    assert path.read_bytes()[:5] in {b"\x89PNG\r", b"<?xml", b"<!doc"}


def test_the_difference_stands_beside_both(run, other, monkeypatch):
    drawn = []
    monkeypatch.setattr("attn.pictures.canvas.save", lambda figure, _: drawn.append(figure))
    asked = ["split=test", "role=cross", "layer=0", "head=0", "file=a.png"]
    assert call("maps", *asked, run=run, other=other) == (0, "")
    first, second, apart, *_ = drawn[0].axes
    assert [one.get_title() for one in (first, second, apart)] == [
        "transformer, softmax\ncross layer 0, head 0",
        "recurrent, additive\ncross layer 0, head 0",
        "the first less the second",
    ]
    one, two, difference = (axes.images[0].get_array() for axes in (first, second, apart))
    assert abs(one - two - difference).max() < 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "run: needs a value; write run=VALUE\n"
            "text, split: give one of them, e.g. split=test sentences=[0,5,9]\n"),
        (
            ["run={run}", "split=tset", "weights=hole", "file=a.gif"],
            "split=tset: unknown; did you mean 'test'? "
            "choose one of dev, longer, longest, test, train\n"
            "weights=hole: unknown; did you mean 'whole'? choose one of steps, whole\n"
            "file=a.gif: must end with .html, .png or .svg\n",
        ),
        (
            ["run={run}", "split=test", "sentences=[-1]", "target=refrence", "role=x",
             "layer=y", "head=1.5", "file=a.png"],
            "sentences=[-1]: must be numbers from 0, as [0,5,9]\n"
            "target=refrence: unknown; did you mean 'reference'? choose one of reference, "
            "translation\n"
            "role=x: unknown; choose one of cross, decoder, encoder\n"
            "layer=y: must be all, mean, or a number from 0\n"
            "head=1.5: must be all, mean, or a number from 0\n",
        ),
        (
            ["run={run}", "text=a", "layer=mean", "head=1", "file=a.png"],
            "head=1: layer=mean is the mean of all heads; leave it out\n",
        ),
        (
            ["run={run}", "other={other}", "text=a", "head=all", "file=a.png"],
            "head=all: with other=... two maps are compared; give mean or a number\n",
        ),
        (
            ["run={run}", "other={run}/no", "text=a"],
            "other={run}/no: there is no such folder\n",
        ),
        (
            ["run={run}", "other={deaf}", "text=a"],
            "other={deaf}: its model has no attention, and so no maps\n",
        ),
        (
            ["run={run}", "text=a", "sentences=[1]", "target=reference", "root=x", "head=1"],
            "sentences=[1]: is of split=... alone\n"
            "target=reference: is of split=... alone\n"
            "root=x: is of split=... alone\n"
            "head=1: is of a picture alone: file=PATH.png or PATH.svg\n",
        ),
        (
            ["run={run}", "text=a", "gold={run}/config.yaml"],
            "gold={run}/config.yaml: is of split=... alone\n",
        ),
        (
            ["run={run}", "split=test", "target=translation", "gold={run}/config.yaml"],
            "gold={run}/config.yaml: aligns references; leave target=translation out\n",
        ),
        (
            ["run={run}", "split=test", "gold=no.align"],
            "gold=no.align: there is no such file\n",
        ),
        (
            ["run={run}", "split=test", "search=greedy"],
            "search=greedy: is of a translation alone: of text=..., or with target=translation\n",
        ),
        (
            ["run={run}", "split=test", "sentences=[1,6,7]"],
            "sentences=[1, 6, 7]: split=test has 6 sentences, 0-5, and no 6\n",
        ),
        (
            ["run={other}", "text=a", "role=encoder", "file=a.png"],
            "recurrent, additive: encoder: model=recurrent has no self-attention in its encoder\n"
            "recurrent, additive: decoder: model=recurrent has no self-attention in its decoder\n"
            "role=encoder: there are no maps of it to be drawn\n",
        ),
        (
            ["run={run}", "text=a b c d e f g h i j k l"],
            "text: has 12 tokens, above batches.max_length=11\n",
        ),
    ],
)  # fmt: skip
def test_wrong_requests_are_named(
    run, other, deaf, capsys, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    known = {"run": run, "other": other, "deaf": deaf}
    assert main(["maps", *(one.format(**known) for one in arguments)]) == 2
    assert capsys.readouterr().err == message.format(**known)
    assert list(tmp_path.iterdir()) == []


def test_gold_of_a_file_is_framed(run, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "attn.pictures.maps.write", lambda _title, _names, shown: seen.extend(shown) or ""
    )
    gold = tmp_path / "test.align"
    gold.write_text("0-0\n\n0?0\n\n\n\n")
    asked = {"run": run, "split": "test", "gold": gold, "file": tmp_path / "maps.html"}
    assert call("maps", "sentences=[0,1,2]", **asked) == (0, "")
    assert [one.gold for one in seen[0].readings] == [((0, 0),), (), ((0, 0),)]
    gold.write_text("0:0\n" * 6)
    assert call("maps", **asked) == (
        2,
        f"gold: {gold}, line 1: '0:0' is no link; write 3-4 for source word 3 and target word 4, "
        "from 0 on, or 3?4 for a possible link\n",
    )


def test_a_difference_needs_whole_words(run, other, monkeypatch, tmp_path):
    monkeypatch.setattr("attn.pictures.sentences.words", lambda *_: None)
    asked = ["split=test", f"file={tmp_path}/a.png", "role=cross"]
    assert call("maps", *asked, run=run, other=other) == (
        2,
        "other: some words of a sentence are unknown to transformer, softmax, so that no "
        "difference can be drawn\n",
    )


def test_runs_of_one_name_are_told_apart_by_their_folders(run, tmp_path):
    path = tmp_path / "a.html"
    assert call("maps", "text=a b", run=run, other=run, file=path) == (0, "")
    assert [one["name"] for one in held(path.read_text())["runs"]] == [str(run)] * 2


def test_step_by_step_the_weights_are_those_of_the_whole(run):
    translator = Trained.of({
        "run": str(run),
        "checkpoint": "best",
        "precision": ON_CPU,
    }).translator()
    whole, steps = (
        sentences.of_pair(translator, Pair("a b c", "c b a"), how=how)
        for how in (sentences.WHOLE, sentences.STEPS)
    )
    assert whole.weights.keys() == steps.weights.keys()
    for name, weights in whole.weights.items():
        torch.testing.assert_close(steps.weights[name], weights)
    said = sentences.of_text(translator, "a b", Greedy(max_ratio=1.0, max_extra=2), how="steps")
    assert len(said.weights["decoder.0"][0]) == len(said.target)


# attn align


def aligned(capsys, *arguments, **known):
    assert call("align", "format=csv", *arguments, **known) == (0, "")
    said = capsys.readouterr()
    return list(csv.DictReader(io.StringIO(said.out))), said.err.splitlines()


def test_a_row_for_each_head_and_sums_beside_the_scores(run, capsys):
    assert call("evaluate", "samples=0", "split=test", run=run) == (0, "")
    capsys.readouterr()
    rows, said = aligned(capsys, run=run)
    layers = ("encoder.0", "decoder.0", "cross.0")
    assert [row["head"] for row in rows] == [f"{one}.head.{n}" for one in layers for n in range(4)]
    assert list(rows[0]) == [
        "head", "entropy", "normalised", "depends", "place", "mass", "AER", "AER of read", "dead",
    ]  # fmt: skip
    (entry,) = results.load_scores(run)["test"].values()
    kept = entry["attention"]
    assert set(kept["entropy"]) == {"encoder", "decoder", "cross"}
    entropies = [float(row["entropy"]) for row in rows if row["head"].startswith("cross")]
    assert kept["entropy"]["cross"] == pytest.approx(sum(entropies) / 4)
    assert (kept["heads"], kept["sentences"], kept["chosen_on"]) == (12, 5, "dev")
    assert kept["dead_heads"] == sum(bool(row["dead"]) for row in rows)
    (best,) = (row for row in rows if row["head"] == kept["best_head"])
    column = {"said": "AER", "read": "AER of read"}[kept["aligns"]]
    assert kept["alignment_error_rate"] == float(best[column])
    assert said == [
        "split test, step-2",
        "sentences  5, of which the model is made to say the references",
        "left out   1 with an empty or too long side",
        "entropy    "
        + ", ".join(f"{role} {value:.3f}" for role, value in kept["entropy"].items())
        + " nats, the mean of heads",
        f"dead       {kept['dead_heads']} of 12 heads",
        f"best head  {kept['best_head']}, of the words {kept['aligns']}: "
        f"AER {kept['alignment_error_rate']:.4f}",
        "           chosen on dev",
        "kept in scores.json beside beam max_ratio=1.0 max_extra=3 step-2",
    ]


def test_evaluating_again_keeps_what_the_heads_do(run, capsys):
    assert call("evaluate", "samples=0", run=run) == (0, "")
    aligned(capsys, run=run)
    (before,) = results.load_scores(run)["test"].values()
    assert call("evaluate", "samples=0", run=run) == (0, "")
    (after,) = results.load_scores(run)["test"].values()
    assert after | {"cost": None} == before | {"cost": None}
    assert "attention" in before


def test_of_what_was_not_evaluated_nothing_is_kept(run, capsys):
    scores = (run / "scores.json").read_text() if (run / "scores.json").exists() else None
    _, said = aligned(capsys, "split=dev", run=run)
    assert said[-2:] == [
        "           chosen on dev",
        "not kept: this checkpoint has no scores of the split; first attn evaluate "
        f"run={run} split=dev",
    ]
    now = (run / "scores.json").read_text() if (run / "scores.json").exists() else None
    assert now == scores


def test_a_damaged_file_of_scores_is_left_alone(run, capsys):
    assert call("evaluate", "samples=0", run=run) == (0, "")
    path = run / "scores.json"
    whole = path.read_text()
    path.write_text(whole[:-3])
    capsys.readouterr()
    _, said = aligned(capsys, run=run)
    assert said[-1].startswith("not kept: ")
    assert path.read_text() == whole[:-3]
    path.write_text(whole)


def test_gold_comes_from_files(run, tmp_path, capsys):
    gold, dev = tmp_path / "test.align", tmp_path / "dev.align"
    gold.write_text("0-0\n" * 6)
    dev.write_text("0?0\n" * 5)
    rows, said = aligned(capsys, run=run, gold=gold, dev_gold=dev)
    assert all(0 <= float(row["AER"]) <= 1 for row in rows if row["head"].startswith("cross"))
    assert said[-2] == "           chosen on dev"
    dev.write_text("0:0\n" * 5)
    code, error = call("align", run=run, gold=gold, dev_gold=dev)
    assert (code, error.partition(", line 1: ")[0]) == (2, f"dev_gold: {dev}")


def test_without_gold_the_best_head_is_not_known_or_that_of_the_split(run, capsys, monkeypatch):
    known = "attn.assemble.read"
    pairs = [Pair("a b", "b a"), Pair("a", "")]
    monkeypatch.setattr(known, lambda *_: pairs)
    rows, said = aligned(capsys, run=run)
    assert "AER" not in rows[0]
    assert "left out   1 with an empty or too long side" in said
    assert said[-2] == "no alignment error rate: there is no gold alignment; give gold=FILE"
    gold = [Pair("a b", "b a", ((0, 1), (1, 0)))]
    monkeypatch.setattr(known, lambda _, split: gold if split == "test" else pairs)
    _, said = aligned(capsys, run=run)
    assert said[-2] == "           chosen on test"
    monkeypatch.setattr("attn.alignment.words", lambda *_: None)
    _, said = aligned(capsys, run=run)
    assert "not aligned  1, some words of which are unknown to the model" in said
    monkeypatch.setattr(known, lambda *_: pairs[1:])
    assert call("align", run=run) == (
        1,
        "attn align: split=test: no sentence has words on both sides, and at most "
        "batches.max_length=11 tokens, or the model shows no weights\n",
    )


def test_wrong_requests_to_align_are_named(run, deaf, capsys):
    assert main(["align", f"run={run}", "split=tset", "gold=no.txt", "format=html"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "split=tset: unknown; did you mean 'test'? choose one of dev, longer, longest, test, train",
        "gold=no.txt: there is no such file",
        "format=html: unknown; choose one of csv, json, markdown, terminal",
    ]
    assert main(["align", f"run={deaf}"]) == 2
    assert capsys.readouterr().err == (f"run={deaf}: its model has no attention, and so no heads\n")


def test_people_read_all_on_standard_output(other, capsys):
    assert call("align", run=other) == (0, "")
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines()[1].split()[0] == "cross.0.head.0"
