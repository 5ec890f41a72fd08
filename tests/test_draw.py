"""``attn draw``: from the command line to pictures and exit codes."""

import contextlib
import io

import pytest
import torch
from test_end_to_end import BRIEF, SMOKE, run_of

from attn.cli import main
from attn.contract import Role
from attn.corpora import Pair
from attn.pictures import sentences
from attn.registry import ConfigError
from attn.roles import made_names
from attn.search.greedy import Greedy
from attn.trained import Trained

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("unchecked")]
ON_CPU = {"device": "cpu", "dtype": "fp32", "tf32": True, "threads": 0, "keep_memory": True}


def train(folder, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["train", *SMOKE, *BRIEF, f"output={folder}", *arguments]) == 0
    return run_of(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose positions end at 12, so that not every sentence fits."""
    folder = tmp_path_factory.mktemp("trained")
    return train(folder, "position=learned", "position.max_positions=12", "batches.max_length=11")


@pytest.fixture(scope="module")
def deaf(tmp_path_factory):
    """A run of a model that has no attention."""
    few = ["model=recurrent", "attention=none", "model.dim=16", "trainer.steps=2"]
    return train(tmp_path_factory.mktemp("deaf"), *few)


@pytest.fixture
def translator(run):
    asked = {"run": str(run), "checkpoint": "best", "precision": ON_CPU}
    return Trained.of(asked).translator()


@pytest.mark.parametrize(
    "arguments",
    [
        ["what=positions"],
        ["what=positions", "position=learned", "length=5", "model.dim=8"],
        ["what=mask"],
        ["what=mask", "attention=local_p", "attention.radius=2"],
        ["what=mask", "attention=gqa", "role=encoder", "length=3"],
        ["what=alignment", "run={run}", "text=a, 'b' $c$"],
        ["what=alignment", "run={run}", "text=a b", "search=beam", "layer=mean"],
        ["what=alignment", "run={run}", "split=test", "sentence=2", "head=all"],
    ],
)
@pytest.mark.parametrize("form", ["png", pytest.param("SVG", marks=pytest.mark.slow)])
def test_a_picture_is_written(run, tmp_path, capsys, arguments, form):
    path = tmp_path / "new" / f"a, picture.{form}"
    assert main(["draw", *(one.format(run=run) for one in arguments), f"file={path}"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == (f"{path}\n", "")
    assert path.read_bytes()[:5] in {b"\x89PNG\r", b"<?xml"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["what=masks", "file=a.gif"],
            "what=masks: unknown; did you mean 'mask'? choose one of alignment, mask, positions\n"
            "file=a.gif: must end with .png or .svg\n",
        ),
        ([], "what: needs a value; write what=VALUE\nfile: needs a value; write file=VALUE\n"),
        (
            [
                *("file=a.png", "role=encoders", "layer=x", "sentence=0", "attention.heads=0"),
                *("position=rope", "position.base=-3", "search=beam", "search.size=0"),
            ],
            "what: needs a value; write what=VALUE\n"
            "position.base=-3: must be positive\n"
            "attention.heads=0: must be at least 1\n"
            "role=encoders: unknown; did you mean 'encoder'? choose one of cross, decoder, encoder"
            "\nsentence=0: must be at least 1\n"
            "layer=x: must be all, mean, or a number from 0\n"
            "search.size=0: must be at least 1\n",
        ),
        (
            ["what=mask", "attention.head_dim=999999999999999999", "file=a.png"],
            "what is to be drawn is too large for a tensor (Storage size calculation overflowed "
            "with sizes=[8000000000000000056, 64])\n",
        ),
        (
            ["what=null", "file=null"],
            "what=null: unknown; choose one of alignment, mask, positions\n"
            "file=null: must end with .png or .svg\n",
        ),
        (["what=positions", "file={run}/log.txt/a.png"], "file={run}/log.txt/a.png: "
            "{run}/log.txt is a file, nothing can be put into it\n"),
        (
            ["what=positions", "position=rope", "file=a.png"],
            "position=rope: is not added to the embeddings, and has no matrix to be drawn; "
            "choose one of learned, shape, sinusoidal\n",
        ),
        (
            ["what=positions", "length=0", "model.dim=5000", "model.heads=0", "file=a.png"],
            "length=0: must be a number from 1 to 1000\n"
            "model.dim=5000: must be a number from 1 to 4096\n"
            "model.heads=0: must be a number from 1 to 4096\n",
        ),
        (
            ["what=positions", "position=learned", "length=600", "file=a.png"],
            "length=600: position=learned knows 512 positions alone\n",
        ),
        (
            ["what=positions", "model.dim=5", "file=a.png"],
            "model.dim=5: must be even for sinusoidal positions\n",
        ),
        (
            ["what=positions", "role=encoder", "text=a", "file=a.png"],
            "role=encoder: is of what=mask alone\ntext=a: is of what=alignment alone\n",
        ),
        (
            ["what=alignment", "run={run}", "text=a", "model.dim=8", "file=a.png"],
            "model.dim=8: is of what=positions and what=mask alone\n",
        ),
        (
            ["what=mask", "attention=none", "file=a.png"],
            f"attention=none: makes nothing; choose one of {', '.join(made_names())}\n",
        ),
        (
            ["what=mask", "role=encodr", "file=a.png"],
            "role=encodr: unknown; did you mean 'encoder'? choose one of cross, decoder, encoder\n",
        ),
        (
            ["what=mask", "attention=location", "role=encoder", "file=a.png"],
            "role=encoder: attention=location does not serve it; choose one of cross\n",
        ),
        (
            ["what=mask", "attention.heads=5", "file=a.png"],
            "attention.heads=5: must divide the width 64, or head_dim and value_dim must be "
            "given\n",
        ),
        (
            ["what=mask", "attention.kernel=flex", "file=a.png"],
            "attention.kernel=flex: torch trains it on CUDA alone; choose one of auto, explicit, "
            "sdpa\n",
        ),
        (["what=alignment", "file=a.png"], "run: needs a value; write run=PATH\n"),
        (
            ["what=alignment", "run={run}", "sentence=0", "layer=x", "head=-1", "file=a.png"],
            "text, split: give one of them, e.g. split=test sentence=3\n"
            "sentence=0: must be at least 1\n"
            "layer=x: must be all, mean, or a number from 0\n"
            "head=-1: must be all, mean, or a number from 0\n",
        ),
        (
            ["what=alignment", "run={run}", "split=tset", "file=a.png"],
            "split=tset: unknown; did you mean 'test'? "
            "choose one of dev, longer, longest, test, train\n",
        ),
        (
            ["what=alignment", "run={run}", "text=a", "layer=mean", "head=1", "file=a.png"],
            "head=1: layer=mean is the mean of all heads; leave it out\n",
        ),
        (
            ["what=alignment", "run={run}", "text=a", "layer=1", "file=a.png"],
            "layer=1: there is none; choose one of 0\n",
        ),
        (
            ["what=alignment", "run={run}", "text=a", "head=4", "file=a.png"],
            "head=4: layer 0 has none of that number, but 4\n",
        ),
        (
            ["what=alignment", "run={run}", "split=test", "sentence=6", "file=a.png"],
            "sentence=6: split=test has 5 sentences\n",
        ),
        (
            ["what=alignment", "run={deaf}", "text=a", "file=a.png"],
            "run={deaf}: its model has no attention to the source, and so no alignment\n",
        ),
        (
            ["what=alignment", "run={run}", "text=", "file=a.png"],
            "text: there is nothing to translate\n",
        ),
        (
            ["what=alignment", "run={run}", "text=a b c d e f g h i j k l", "file=a.png"],
            "text: has 12 tokens, above batches.max_length=11\n",
        ),
        (
            ["what=alignment", "run={run}", "text=a", "sentence=2", "root={run}", "file=a.png"],
            "sentence=2: is of split=... alone\nroot={run}: is of split=... alone\n",
        ),
        (
            ["what=alignment", "run={run}", "split=test", "search=greedy", "file=a.png"],
            "search=greedy: is of text=... alone\n",
        ),
        (["-m", "what=mask,positions", "file=a.png"], "-m: attn draw runs once, it does not sweep\n"
            "what=mask,positions: takes one value\nwhat: needs a value; write what=VALUE\n"),
    ],
)  # fmt: skip
def test_wrong_requests_are_named(run, deaf, capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["draw", *(one.format(run=run, deaf=deaf) for one in arguments)]) == 2
    assert capsys.readouterr().err == message.format(run=run, deaf=deaf)
    assert list(tmp_path.iterdir()) == []


def test_the_title_says_what_is_drawn(monkeypatch):
    drawn = []
    monkeypatch.setattr("attn.pictures.canvas.save", lambda figure, _: drawn.append(figure))
    for position in ("learned", "sinusoidal"):
        arguments = ["what=positions", f"position={position}", "model.dim=8", "file=a.png"]
        assert main(["draw", *arguments]) == 0
    assert [figure.get_suptitle() for figure in drawn] == [
        "position=learned, width 8, before training", "position=sinusoidal, width 8",
    ]  # fmt: skip
    assert main(["draw", "what=mask", "attention=location", "file=a.png"]) == 0
    assert drawn[-1].axes[0].get_title() == "attention=location role=cross"


def test_the_gold_of_a_sentence_is_that_of_its_words(translator):
    pair = Pair("a b c", "c b a", ((0, 2), (1, 1), (2, 0)))
    reading = sentences.of_pair(translator, pair)
    assert reading.source == ("a", "b", "c", "</s>")
    assert reading.target == ("c", "b", "a", "</s>")
    assert reading.read == ("<s>", "c", "b", "a")
    looked = reading.looked(Role.CROSS)
    assert (looked.columns, looked.rows) == (reading.source, reading.target)
    assert looked.gold == tuple((range(j, j + 1), range(i, i + 1)) for i, j in pair.alignment)
    (weights,) = looked.layers
    assert weights.shape == (4, 4, 4)
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, 4))


def test_weights_are_those_by_which_the_model_says_it(translator):
    """Taken while it is translated and when its translation is given, they are the same."""
    search = Greedy(max_ratio=1.0, max_extra=3)
    said = sentences.of_text(translator, "a b c", search)
    (one,) = translator.translate(["a b c"], search)
    pieces = said.target[:-1] if one.finished else said.target
    assert pieces == one.pieces
    given = sentences.of_pair(translator, Pair("a b c", one.text))
    shown = given.weights["cross.0"][:, : len(said.target)]
    torch.testing.assert_close(said.weights["cross.0"], shown)
    assert given.looked(Role.CROSS).gold == ()


def test_gold_is_left_out_where_words_are_lost(translator, monkeypatch, capsys):
    monkeypatch.setattr(sentences, "words", lambda *_: None)
    reading = sentences.of_pair(translator, Pair("a b", "b a", ((0, 1), (1, 0))))
    assert reading.looked(Role.CROSS).gold == ()
    assert reading.of_words(Role.CROSS) is None
    assert capsys.readouterr().err == (
        "the gold alignment is left out: some words of the sentence are unknown to the model\n"
    )


def test_a_reference_that_is_too_long(translator):
    with pytest.raises(ConfigError) as raised:
        sentences.of_pair(translator, Pair("a", " ".join("a" * 12)), key="sentence=3")
    assert raised.value.problems == [
        "sentence=3: its reference takes 13 positions, and the model knows 12; choose a shorter one"
    ]


def test_data_that_were_moved(run, capsys):
    arguments = ["what=alignment", f"run={run}", "split=test", "root=x", "file=a.png"]
    assert main(["draw", *arguments]) == 2
    assert capsys.readouterr().err == "root=x: dataset=reverse of this run has no folder\n"
