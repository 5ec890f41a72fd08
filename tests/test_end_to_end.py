"""The commands as a user runs them, on models of some thousand weights."""

import contextlib
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from direct import call

from attn import assemble, checkpoint, registry, results, runs
from attn.assemble import Material
from attn.batching import Batches
from attn.checkpoint import Checkpoints
from attn.cli import main
from attn.commands.train import Job
from attn.corpora import Pair
from attn.corpora.generated import Copy
from attn.tokenizers.bytes import Bytes
from attn.vocabulary import Vocabularies

pytestmark = pytest.mark.long

TINY = ["experiment=smoke", "precision.device=cpu"]
SMOKE = [*TINY, "precision.dtype=fp32"]
LONG, TOO_LONG = "x" * 300, "File name too long"
SHORT = [
    *(f"{search}.{limit}" for search in ("search", "validation_search")
      for limit in ("max_ratio=0.0", "max_extra=3")),
    "trainer.samples=0", "model.encoder_layers=1", "model.decoder_layers=1",
]  # fmt: skip
BRIEF = [*SHORT, "dataset.train_size=60", "dataset.dev_size=5", "dataset.test_size=5"]


def run_of(folder):
    return runs.find(str(folder))


def losses(run):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [
        {key: line.get(key) for key in ("step", "group", "loss", "gradient_norm", "BLEU")}
        for line in map(json.loads, lines)
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of 20 steps, and what it said."""
    folder = tmp_path_factory.mktemp("trained")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(["train", *SMOKE, f"output={folder}"]) == 0
    return SimpleNamespace(folder=folder, run=run_of(folder), said=said.getvalue().splitlines())


def test_a_run_leaves_what_is_promised(trained):
    names = {path.name for path in trained.run.iterdir()}
    assert names >= {
        "config.yaml",
        "status.json",
        "log.txt",
        "metrics.jsonl",
        "tensorboard",
        "tokenizer",
        "checkpoints",
    }
    assert runs.status(trained.run) == "finished"
    assert trained.run.relative_to(trained.folder).parts[0] == "smoke"
    assert losses(trained.run)[-1]["group"] == "dev"


def test_a_run_says_what_is_trained_and_what_can_be_done_with_it(trained):
    said = [line[20:] for line in (trained.run / "log.txt").read_text().splitlines()]
    meta = checkpoint.load_meta(Checkpoints(trained.run / "checkpoints").find("best"))
    bleu = meta["dev"]["BLEU"]
    assert said[:8] == [
        f"run {trained.run}",
        "data reverse source-target: 500 pairs to train on, 20 to validate on",
        "among them: 1 identical (filters can leave them out)",
        f"model transformer: {meta['parameters']:,} parameters, vocabulary 24 (words), "
        "position sinusoidal",
        "attention encoder softmax, decoder softmax, cross softmax",
        "optimizer adam, schedule constant: the rate is highest at step 1, 1.0e-03",
        f"dev is scored greedily or as validation_search says, BLEU {bleu['signature']}",
        "device cpu, fp32",
    ]
    assert "\n".join(trained.said[-4:]) == (
        f"best dev BLEU {bleu['score']:.2f}; the run lies in {trained.run}\n"
        f"  score it:   attn evaluate run={trained.run} split=test\n"
        f"  use it:     attn translate run={trained.run} text='...'\n"
        f"  look at it: tensorboard --logdir {trained.run}"
    )


def test_the_loss_falls(trained):
    train = [line["loss"] for line in losses(trained.run) if line["group"] == "train"]
    assert train[-1] < train[0]


def test_the_same_command_again_says_so_and_changes_nothing(trained, capsys):
    before = (trained.run / "metrics.jsonl").read_text()
    assert main(["train", *SMOKE, f"output={trained.folder}"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("finished at step 20 (trainer.steps=20); nothing is left to do\n")
    assert (trained.run / "metrics.jsonl").read_text() == before


def test_a_longer_run_continues_a_shorter_one(tmp_path):
    common = [*SMOKE, *BRIEF, "model.dropout=0.3", "batches.tokens=300", "trainer.keep_last=9"]
    common += ["trainer.evaluate_every=6", "trainer.log_every=3"]
    for folder, steps in (("whole", (12,)), ("parts", (6, 12))):
        for step in steps:
            length = f"trainer.steps={step}"
            assert call("train", *common, length, output=tmp_path / folder) == (0, "")
    whole, parts = (run_of(tmp_path / folder) for folder in ("whole", "parts"))
    assert whole.parent.name == parts.parent.name
    first, second = (checkpoint.load(run / "checkpoints" / "step-12") for run in (whole, parts))
    assert all(torch.equal(weight, second[0][name]) for name, weight in first[0].items())
    assert losses(whole) == losses(parts)


def test_fp16_with_a_scaled_loss_stays_finite(tmp_path):
    options = [*BRIEF, "precision.dtype=fp16", "trainer.steps=4", "trainer.evaluate_every=4"]
    assert call("train", *TINY, *options, output=tmp_path) == (0, "")
    weights, state, _ = checkpoint.load(Checkpoints(run_of(tmp_path) / "checkpoints").find("last"))
    assert all(weight.isfinite().all() for weight in weights.values())
    assert state["scaler"]["scale"] > 0


def test_minutes_end_a_training(tmp_path):
    options = [*BRIEF, "trainer.minutes=0.00001", "trainer.steps=1000"]
    assert call("train", *SMOKE, *options, output=tmp_path) == (0, "")
    assert Checkpoints(run_of(tmp_path) / "checkpoints").steps() == [1]


def test_a_sweep_is_a_run_for_each_choice(tmp_path):
    options = ["-m", "position=sinusoidal,learned", "trainer.steps=2", f"output={tmp_path}"]
    assert main(["train", *SMOKE, *BRIEF, *options]) == 0
    found = sorted(path.parent.parent.name for path in tmp_path.rglob("config.yaml"))
    assert [name.rsplit("-", 1)[0] for name in found] == [
        "transformer-softmax-learned",
        "transformer-softmax-sinusoidal",
    ]


def test_validation_is_evaluation(trained, capsys):
    arguments = ["evaluate", f"run={trained.folder}", "split=dev", "search=greedy"]
    best = Checkpoints(trained.run / "checkpoints").find("best")
    assert main(arguments) == 0
    said = capsys.readouterr().out
    scores = results.load_scores(trained.run)["dev"][f"greedy {best.name}"]
    assert scores["BLEU"]["score"] == checkpoint.load_meta(best)["score"]
    assert scores["BLEU"]["signature"] in said
    assert said.count("reference    ") == 3


def test_evaluation_keeps_what_was_said(trained):
    assert call("evaluate", "split=longer", "samples=0", run=trained.folder) == (0, "")
    (title,) = results.load_scores(trained.run)["longer"]
    texts = (
        (trained.run / "translations" / f"{results.stem_of('longer', title)}.txt")
        .read_text()
        .splitlines()
    )
    references = (trained.run / "translations" / "longer.ref").read_text().splitlines()
    assert len(texts) == len(references) == 20
    assert set(results.load_marked(trained.run, "longer", title)[0]) == {"BLEU", "chrF", "TER"}


def test_nothing_to_translate_is_told(trained, tmp_path, capsys):
    (tmp_path / "empty").write_text("")
    asked = ["translate", f"input={tmp_path}/empty"]
    assert call(*asked, run=trained.folder) == (0, "")
    assert capsys.readouterr() == ("", "there was no line to translate\n")


def test_translation_is_a_line_for_a_line(trained, tmp_path, monkeypatch, capsysbinary):
    source = tmp_path / "source.txt"
    source.write_text("a b c\n\nd\n")
    target = tmp_path / "target.txt"
    arguments = ["translate", f"run={trained.folder}"]
    assert main([*arguments, f"input={source}", f"output={target}"]) == 0
    lines = target.read_text().split("\n")
    assert len(lines) == 4
    assert lines[1] == ""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(source.read_bytes())))
    assert main(arguments) == 0
    assert capsysbinary.readouterr().out == target.read_bytes()
    assert main([*arguments, "text=a b c"]) == 0
    assert capsysbinary.readouterr().out.decode() == f"{lines[0]}\n"


def test_workers_change_nothing_but_the_time(trained, tmp_path, dealt):
    source = tmp_path / "source.txt"
    source.write_text("".join(f"{word} b c{' d' * (i % 7)}\n" for i in range(60) for word in "ae"))
    said = []
    for workers in (1, 3):
        target, tokens = tmp_path / f"target.{workers}", "search.max_extra=3"
        options = {"precision.workers": workers, "input": source, "output": target, "n_best": 1}
        few = (f"run={trained.folder}", "search=greedy", tokens)
        assert main(["translate", *few, *(f"{k}={v}" for k, v in options.items())]) == 0
        said.append(target.read_text())
    assert said[0] == said[1]
    assert dealt == [1, 3]


def test_samples_are_the_same_whatever_stands_beside_them(trained, tmp_path, dealt):
    lines = [f"{word} b c{' d' * (i % 5)}" for i in range(12) for word in "ae"]
    said = []
    for workers, order in ((1, 1), (3, -1)):
        source, target = tmp_path / "source", tmp_path / "target"
        source.write_text("".join(f"{line}\n" for line in lines[::order]))
        options = ["search=sampling", "search.max_extra=3", f"precision.workers={workers}"]
        files = {"run": trained.folder, "input": source, "output": target}
        assert call("translate", *options, **files) == (0, "")
        said.append(target.read_text().splitlines()[::order])
    assert said[0] == said[1]
    assert len({*said[0]}) > 5
    assert dealt == [1, 3]


def test_translations_begin_with_a_prefix(trained, tmp_path, capsys):
    arguments = ["translate", f"run={trained.folder}", "search=greedy"]
    for prefix in ("d", "d e a"):
        assert main([*arguments, "text=a b", f"prefix={prefix}"]) == 0
        assert capsys.readouterr().out.startswith(prefix)
    source, prefixes = tmp_path / "source", tmp_path / "prefixes"
    source.write_text("a b\n\nc d\n")
    prefixes.write_text("d\n\ne f\n")
    assert main([*arguments, f"input={source}", f"prefix_file={prefixes}"]) == 0
    one, nothing, other = capsys.readouterr().out.splitlines()
    assert (one[0], nothing, other[:3]) == ("d", "", "e f")
    assert main([*arguments, f"input={source}", "prefix=h"]) == 0
    assert [line[:1] for line in capsys.readouterr().out.splitlines()] == ["h", "", "h"]


def test_prefixes_that_cannot_be_are_named(trained, tmp_path, capsys):
    source, prefixes = tmp_path / "source", tmp_path / "prefixes"
    source.write_text("a b\n\nc d\n")
    prefixes.write_text("d\ne\n")
    arguments = ["translate", f"run={trained.folder}", "search.max_ratio=0.0", "search.max_extra=1"]

    def refused(*more):
        assert main([*arguments, "search=greedy", *more]) == 2
        return capsys.readouterr().err

    why = (
        "its length in tokens is 1, and the whole translation may have 1 with its end; raise "
        "search.max_extra\n"
    )
    for unknown in ("zab", "${x}"):
        assert refused("text=a", f"prefix={unknown}") == (
            f"prefix={unknown}: the model's vocabulary writes it '<unk>'\n"
        )
    assert refused("text=a", "prefix=d") == f"prefix=d: {why}"
    assert refused(f"input={source}", "prefix=d") == "".join(
        f"prefix=d: for line {line}: {why}" for line in (1, 3)
    )
    assert refused(f"input={source}", f"prefix_file={prefixes}") == (
        f"prefix_file={prefixes}: has 2 lines, and 3 are to be translated; give each a line, "
        "which may be empty\n"
    )
    assert refused("text=a", f"prefix_file={tmp_path}", "prefix=d") == (
        f"prefix_file={tmp_path}: a folder; give a file\n"
        f"prefix_file={tmp_path}: prefix is given too; drop one\n"
    )
    prefixes.write_text("d\n\n\n")
    assert refused(f"input={source}", f"prefix_file={prefixes}") == (
        f"prefix_file={prefixes}, line 1: {why}"
    )
    prefixes.write_bytes(b"\xff\n\n\n")
    assert refused(f"input={source}", f"prefix_file={prefixes}") == (
        f"prefix_file: {prefixes}, line 1: not UTF-8 (invalid start byte)\n"
    )


def test_what_is_too_long_is_cut_and_counted(trained, capsys):
    greedy = ["search=greedy", "search.max_ratio=0.0", "search.max_extra=2"]
    assert call("translate", *greedy, run=trained.folder, text="a " * 300) == (0, "")
    assert capsys.readouterr().err == (
        "only the first 256 tokens (batches.max_length) were translated of lines: 1\n"
    )


def test_long_lines_are_named_by_number(trained, tmp_path, capsys):
    source = tmp_path / "source"
    source.write_text("".join("a b\n" + "a " * 300 + "\n" for _ in range(6)))
    target = tmp_path / "target"
    greedy = ["search=greedy", "search.max_ratio=0.0", "search.max_extra=2"]
    files = {"run": trained.folder, "input": source, "output": target}
    assert call("translate", *greedy, **files) == (0, "")
    assert len(target.read_text().splitlines()) == 12
    assert capsys.readouterr().err == (
        "only the first 256 tokens (batches.max_length) were translated of lines: "
        "2, 4, 6, 8, 10, ...\n"
    )


def test_lines_come_out_as_they_come_in(trained, monkeypatch, capsys):
    shown = []

    def typed():
        for line in (b"a b\r\n", b"\n", b"c"):
            yield line
            shown.append(capsys.readouterr().out.count("\n"))

    class Typed:
        """What a person types into, line by line."""

        def isatty(self):
            return True

        def __iter__(self):
            return typed()

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Typed()))
    assert main(["translate", f"run={trained.folder}"]) == 0
    assert shown == [1, 1, 1]


def test_standard_input_that_is_not_utf8_is_named(trained, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a\nb\xff\n")))
    assert main(["translate", f"run={trained.folder}"]) == 2
    assert capsys.readouterr().err == (
        "input: standard input, line 2: not UTF-8 (invalid start byte)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "run=nowhere"], "run=nowhere: there is no such folder\n"),
        (
            ["evaluate", "run={run}", "checkpoint=7"],
            "checkpoint=7: not in {run}/checkpoints; "
            "choose best, last, average (made by attn average) or one of the steps: 10, 20\n",
        ),
        (["evaluate"], "run: needs a value; write run=VALUE\n"),
        (
            [
                "evaluate",
                "run={run}",
                "checkpoint=7",
                "split=x",
                "search=greedy",
                "search.max_extra=0",
            ],
            "checkpoint=7: not in {run}/checkpoints; choose best, last, average (made by attn "
            "average) or one of the steps: 10, 20\nsearch.max_extra=0: must be at least 1\n"
            "split=x: unknown; choose one of dev, longer, longest, test, train\n",
        ),
        (["train", "seed=-1"], "seed=-1: must be at least 0 and below 2**63\n"),
        (["train", "output=null"], "output=null: needs a folder; write output=FOLDER\n"),
        (
            ["train", "model.name=transfrmer", "tokenizer.name=foo", "batches.tokens=3"],
            "batches.tokens=3: must be above max_length=256, so that the longest sentence fits "
            "into a batch\n"
            "tokenizer=foo: unknown; choose one of bpe, bytes, characters, unigram, words\n"
            "model=transfrmer: unknown; did you mean 'transformer'? choose one of "
            f"{', '.join(registry.names('model'))}\n",
        ),
        (
            ["train", "model.heads=3", "batches.tokens=3"],
            "batches.tokens=3: must be above max_length=256, so that the longest sentence fits "
            "into a batch\n"
            "model.heads=3: must divide the width 128, or head_dim and value_dim must be given\n",
        ),
        (
            ["evaluate", "run={run}", "split=tset"],
            "split=tset: unknown; did you mean 'test'? "
            "choose one of dev, longer, longest, test, train\n",
        ),
        (["evaluate", "run={run}", "samples=-1"], "samples=-1: must be at least 0\n"),
        (
            ["evaluate", "run={run}", f"samples={2**63}"],
            f"samples={2**63}: must be within the 64 bits of an integer\n",
        ),
        (
            ["evaluate", "run={run}", "search=beam", "search.size=0", "search.length_penalty=-1"],
            "search.size=0: must be at least 1\nsearch.length_penalty=-1: must not be negative\n",
        ),
        (
            ["translate", "run={run}", "text=a", "input=b"],
            "input=b: text is given too; drop one of them\ninput=b: there is no such file\n",
        ),
        (
            ["translate", "run={run}", "input={run}", "output={run}"],
            "input={run}: a folder; give a file\noutput={run}: is a folder; give another path\n",
        ),
        (
            ["translate", "run={run}", "text=a", "n_best=0"],
            "n_best=0: must be at least 1, or null for the best alone\n",
        ),
        (
            ["translate", "run={run}", "text=a", "n_best=7"],
            "n_best=7: search=beam finds 5; set n_best=5 or less, or search=beam search.size=7\n",
        ),
        (
            ["train", "model=sutskever", "search=beam", "search.coverage_penalty=0.2"],
            "search.coverage_penalty=0.2: this model has no attention to the source\n",
        ),
        (
            [
                *("train", "model=sutskever", "search=mbr"),
                "+search.candidates.coverage_penalty=0.2",
            ],
            "+search.candidates.coverage_penalty=0.2: this model has no attention to the source\n",
        ),
        (["average", "run={run}"], "last, best: give one of them, e.g. last=10\n"),
        (
            ["average", "run=nowhere", "last=0", "best=2"],
            "last=0: must be at least 1\nlast, best: give one of them, e.g. last=10\n"
            "run=nowhere: there is no such folder\n",
        ),
        (
            ["train", "experiment=smoke", "output={run}/log.txt"],
            "output={run}/log.txt: is a file; give another path\n",
        ),
        (
            ["train", "experiment=smoke", "batches.max_length=2", "output={run}/x"],
            "batches: no pair is left to train on; left out: 500 over batches.max_length=2\n",
        ),
        (
            ["train", "experiment=smoke", "filters.max_words=2", "output={run}/x"],
            "filters: no pair is left to train on; left out: 500 over max_words\n",
        ),
        (
            ["train", "encoder_layers=[{{layers: 0, name: softmax, haeds: 2}}]", "trainer.steps=0"],
            "trainer.steps=0: must be at least 1\n"
            "encoder_layers.0.haeds=2: unknown option; did you mean 'heads'? choose one of bias, "
            "dropout, head_dim, heads, kernel, value_dim\n"
            "encoder_layers=[{{layers: 0, name: softmax, haeds: 2}}]: layer 1 is not named; name "
            "each of 0-3 once\n"
            "encoder_layers=[{{layers: 0, name: softmax, haeds: 2}}]: layer 2 is not named; name "
            "each of 0-3 once\n"
            "encoder_layers=[{{layers: 0, name: softmax, haeds: 2}}]: layer 3 is not named; name "
            "each of 0-3 once\n",
        ),
        *(
            ([*command, f"{key}={value}"], f"{key}={value}: cannot be reached ({TOO_LONG})\n")
            for command, key, value in (
                (["translate", "text=a"], "run", LONG),
                (["translate", "run={run}"], "input", f"{{run}}/{LONG}"),
                (["translate", "run={run}", "text=a"], "output", LONG),
                (["train"], "output", LONG),
                (["train", "dataset=parallel"], "dataset.root", LONG),
                (["compare"], "runs", f"[{{run}},{LONG}]"),
                (["train"], "--config-dir", LONG),
            )
        ),
        (
            ["evaluate", "run={run}", "split=2016"],
            "split=2016: unknown; choose one of dev, longer, longest, test, train\n",
        ),
        *(
            (["train", argument], f"{argument}: not of type int\n")
            for argument in (
                "model.encoder_layers=abc",
                "model.decoder_layers=null",
                "model.encoder_layers=1.5",
                "model.decoder_layers=[1]",
            )
        ),
        (
            ["train", "encoder_layers=[{{layers: 0, name: softmax}}]", "model.encoder_layers=abc"],
            "model.encoder_layers=abc: not of type int\n",
        ),
        (
            ["train", "study=${{nowhere}}"],
            "study=${{nowhere}}: Interpolation key 'nowhere' not found\n",
        ),
        (
            ["train", "plugins=[null]"],
            "plugins=[null]: there is no module null in the current folder, nor on Python's path "
            "(PYTHONPATH)\n",
        ),
        (["train", f"study={LONG}"], f"study={LONG}: must have at most 255 letters\n"),
        *(
            (
                ["translate", "run={run}", "text=a", f"n_best={value}"],
                f"n_best={value}: must be at least 1, or null for the best alone\n",
            )
            for value in ("abc", "''", "1.5", "true", "-1")
        ),
        (
            ["translate", "run={run}", "text=a", "checkpoint=???"],
            "checkpoint=???: needs a value; write checkpoint=VALUE\n",
        ),
        (
            ["compare", "runs={run}", "format=???"],
            "format=???: needs a value; write format=VALUE\n",
        ),
        *(
            (
                ["train", f"encoder_layers=[{{{{layers: 0-3, name: softmax, {option}}}}}]"],
                f"encoder_layers.0.{wrong}\n",
            )
            for option, wrong in (
                (
                    "heads: 3",
                    "heads=3: must divide the width 128, or head_dim and value_dim must be given",
                ),
                ("dropout: 7", "dropout=7.0: must be at least 0 and below 1"),
            )
        ),
    ],
)
def test_wrong_requests_are_named(trained, capsys, arguments, message):
    given = [argument.format(run=trained.run) for argument in arguments]
    assert main(given) == 2
    assert capsys.readouterr().err == message.format(run=trained.run)


def test_a_folder_may_be_called_by_a_number(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/own.yaml").write_text("# @package _global_\noutput: 5\nstudy: 2016\n")
    assert main(["train", "--config-dir=mine", "experiment=own", "--cfg=job"]) == 0
    assert capsys.readouterr().err == ""


def test_all_that_is_wrong_in_a_section_is_told(capsys):
    wrong = {
        "batches.max_length": ("0", "must be at least 1"),
        "batches.ahead": ("-1", "must be at least 1"),
        "precision.threads": ("-2", "must be 0 (torch's own choice) or more"),
        "scoring.tokenize": ("foo", "unknown; choose one of auto, 13a, intl, char, none"),
        "trainer.steps": ("0", "must be at least 1"),
        "trainer.clip": ("-1.0", "must be at least 0"),
        "trainer.keep_best": ("0", "must be at least 1"),
        "search.size": ("0", "must be at least 1"),
        "search.length_penalty": ("-3.0", "must not be negative"),
    }
    assert main(["train", *(f"{key}={value}" for key, (value, _) in wrong.items())]) == 2
    lines = [f"{key}={value}: {reason}" for key, (value, reason) in wrong.items()]
    assert capsys.readouterr().err.splitlines() == lines


def test_text_that_is_not_utf8_is_named(trained, tmp_path, capsys):
    file = tmp_path / "latin"
    file.write_bytes(b"a b\nc \xff\n")
    assert main(["translate", f"run={trained.run}", f"input={file}"]) == 2
    assert capsys.readouterr().err == f"input: {file}, line 2: not UTF-8 (invalid start byte)\n"


def test_an_average_is_a_checkpoint_like_others(trained, capsys):
    assert main(["average", f"run={trained.folder}", "best=2"]) == 0
    assert capsys.readouterr().out == (
        f"{trained.run}/checkpoints/average-best-2-step-20\n"
        f"  score it: attn evaluate run={trained.run} checkpoint=average\n"
    )
    assert call("evaluate", "checkpoint=average", "split=dev", run=trained.run) == (0, "")
    assert "beam average-best-2-step-20" in results.load_scores(trained.run)["dev"]
    assert main(["average", f"run={trained.run}", "last=9"]) == 2
    assert capsys.readouterr().err == (
        f"last=9: {trained.run}/checkpoints keeps 2 that were validated; ask for "
        "fewer, or train with trainer.keep_last=9\n"
    )


def test_translations_take_the_place_of_no_pipe_no_link_and_no_source(trained, tmp_path, capsys):
    source, link, pipe = (tmp_path / name for name in ("source", "link", "pipe"))
    source.write_text("a b\n")
    link.symlink_to("target")
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
    translate = ["translate", f"run={trained.folder}", f"input={source}"]
    for output in (link, pipe):
        files = {"run": trained.folder, "input": source, "output": output}
        assert call("translate", **files) == (0, "")
    assert link.is_symlink()
    assert pipe.is_fifo()
    assert reader.communicate(timeout=100)[0] == (tmp_path / "target").read_text()
    capsys.readouterr()
    assert main([*translate, f"output={source}"]) == 2
    assert capsys.readouterr().err == f"output={source}: is the input too; give another path\n"
    assert source.read_text() == "a b\n"


def test_a_run_goes_on_by_the_scores_that_it_is_ranked_by(trained, tmp_path):
    output = tmp_path / "copy"
    shutil.copytree(trained.folder, output)
    options = ["trainer.steps=30", "trainer.metric=loss", "scoring.lowercase=true"]
    assert call("train", *SMOKE, *options, output=output) == (
        2,
        "trainer.metric=loss: the checkpoints of this run are ranked with BLEU; keep that, or "
        "train anew with study=NAME\n"
        "scoring.lowercase=true: the checkpoints of this run are ranked with false; keep that, or "
        "train anew with study=NAME\n",
    )
    assert call("train", *SMOKE, "scoring.lowercase=true", output=output) == (0, "")


def test_data_that_was_moved_is_found(trained, tmp_path, capsys):
    texts = tmp_path / "texts"
    texts.mkdir()
    for split in ("train", "dev", "test"):
        for language in ("en", "de"):
            (texts / f"{split}.{language}").write_text("a b\nc\n")
    options = ["dataset=parallel", f"dataset.root={texts}", "tokenizer=words", "trainer.steps=1"]
    options += [*SHORT, "target_tokenizer=characters", "model.dim=4", "model.tied=none"]
    assert main(["train", *options, f"output={tmp_path / 'out'}"]) == 0
    said = capsys.readouterr().out.splitlines()
    meta = checkpoint.load_meta(Checkpoints(run_of(tmp_path / "out") / "checkpoints").find("last"))
    assert said[1:6] == [
        "data parallel en-de: 2 pairs to train on, 2 to validate on",
        "among them: 2 identical (filters can leave them out)",
        "warning: 2 sources of dev are trained on too",
        "warning: 2 sources of test are trained on too",
        f"model transformer: {meta['parameters']:,} parameters, vocabularies 7 (words) and "
        "8 (characters), position sinusoidal",
    ]
    texts.rename(tmp_path / "moved")
    code, said = call("evaluate", run=tmp_path / "out")
    assert code == 2
    lost = f"dataset.root={texts}: there is no folder {texts}"
    assert said.splitlines() == [f"{lost}; if it was moved, give root=FOLDER"]
    (tmp_path / "moved" / "test.en").write_text("a\n")
    code, said = call("evaluate", run=tmp_path / "out", root=tmp_path / "moved")
    assert code == 2
    assert said.startswith(f"dataset.test=test: {tmp_path}/moved/test.en has 1")
    (tmp_path / "moved" / "test.en").write_text("a b\nc\n")
    assert call("evaluate", run=tmp_path / "out", root=tmp_path / "moved") == (0, "")
    assert "split   test: 2 sentences" in capsys.readouterr().out
    assert call("evaluate", "root=here", run=trained.folder) == (
        2,
        "root=here: dataset=reverse of this run has no folder\n",
    )


def test_options_that_a_run_is_older_than_are_told(trained, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(trained.run, run)
    config = runs.load_config(run)
    del config["attention"]["kernel"], config["batches"]["ahead"], config["filters"]
    runs.save_config(run, config)
    assert call("translate", "text=a b", run=run) == (0, "")
    assert capsys.readouterr().err == (
        f"{run} is older than these options, which take: batches.ahead=4, filters.max_words=null, "
        "filters.max_ratio=null, filters.drop_duplicates=false, filters.drop_identical=false, "
        "attention.kernel=auto\n"
    )


def test_a_damaged_checkpoint_is_named_with_the_others(trained, tmp_path):
    shutil.copytree(trained.run, tmp_path / "run")
    file = tmp_path / "run" / "checkpoints" / "step-20" / "model.safetensors"
    file.write_bytes(b"")
    assert call("translate", "checkpoint=last", "text=a", run=tmp_path / "run") == (
        2,
        f"{file}: is not as it was written (its checksum is not in meta.json); "
        "take checkpoint=10\n",
    )
    shutil.rmtree(file.parent.with_name("step-10"))
    assert call("translate", "checkpoint=last", "text=a", run=tmp_path / "run") == (
        2,
        f"{file}: is not as it was written (its checksum is not in meta.json); "
        "no other checkpoint is kept\n",
    )


def test_what_is_left_out_and_what_is_shared_is_counted(tmp_path, capsys):
    lines = {
        "train": ["a b", "", "a b", "c c c", "x", "d", "\0 f"],
        "dev": ["a b", "g"],
        "test": ["d", "\0 f", "c c c"],
    }
    for split, sources in lines.items():
        (tmp_path / f"{split}.en").write_text("\n".join(sources))
        targets = [source if source in ("", "x") else source.upper() for source in sources]
        (tmp_path / f"{split}.de").write_text("\n".join(targets))
    options = ["dataset=parallel", f"dataset.root={tmp_path}", "tokenizer=characters"]
    options += ["filters.drop_duplicates=true", "filters.drop_identical=true"]
    options += ["batches.max_length=4", "batches.tokens=9", "trainer.steps=1", "model.dim=4"]
    options += ["schedule.warmup=2"]
    assert call("train", *options, *SHORT, output=tmp_path / "out") == (0, "")
    said = capsys.readouterr().out.splitlines()
    assert said[1:6] == [
        "data parallel en-de: 3 pairs to train on, 2 to validate on",
        "left out of training: 1 empty, 1 duplicate, 1 identical, 1 over batches.max_length=4",
        "warning: 1 pairs to train on hold NUL characters",
        "warning: 1 sources of dev are trained on too",
        "warning: 2 sources of test are trained on too",
    ]
    assert "warning: training ends before its warm-up: schedule.warmup=2 trainer.steps=1" in said
    found = json.loads((run_of(tmp_path / "out") / "data.json").read_text())
    assert len(found.pop("references")["dev"]) == 64
    assert found == {
        "test": "test",
        "train": {
            "read": 7,
            "left_out": {
                "empty": 1,
                "duplicate": 1,
                "identical": 1,
                "over batches.max_length=4": 1,
            },
            "trained_on": 3,
        },
        "shared_with_train": {"dev": 1, "test": 2},
        "odd": {"repeated": 0, "identical": 0, "with NUL characters": 1},
    }
    assert call("evaluate", "samples=0", run=tmp_path / "out") == (0, "")
    said = capsys.readouterr().out
    assert said.startswith("sources longer than batches.max_length, and cut: 1\n")


def test_a_dev_split_without_a_whole_pair_judges_nothing(tmp_path):
    for split, lines in {"train": "a\nb\n", "dev": "c\n \n", "test": "d\n"}.items():
        (tmp_path / f"{split}.en").write_text(lines)
        (tmp_path / f"{split}.de").write_text("".join(reversed(lines.splitlines(True))))
    options = ["dataset=parallel", f"dataset.root={tmp_path}", "tokenizer=characters", *SHORT]
    assert call("train", *options, output=tmp_path / "out") == (
        2,
        "dataset: no pair of dev has text on both sides; dev is what judges\n",
    )


def test_pairs_without_tokens_are_counted():
    ids = [([], [1]), ([1], [1]), ([1] * 5, [1])]
    train = [Pair(" ", "a"), Pair("a", "a"), Pair("a a a a a", "a")]
    material = Material(Copy(), train, {"dev": []}, Vocabularies(Bytes(), Bytes()), {})
    material.__dict__["ids"] = ids
    job = SimpleNamespace(material=material, batches=Batches(tokens=9, max_length=4))
    assert Job.counts.func(job)["train"] == {
        "read": 3,
        "left_out": {"without tokens": 1, "over batches.max_length=4": 1},
        "trained_on": 1,
    }


def test_there_may_be_nothing_to_test_on(tmp_path, capsys):
    for split, language in itertools.product(("train", "dev"), ("en", "de")):
        (tmp_path / f"{split}.{language}").write_text("a b\n")
    options = [*SHORT, "dataset=parallel", f"dataset.root={tmp_path}", "dataset.test=[]"]
    output = f"output={tmp_path / 'out'}"
    assert main(["train", *TINY, *options, "trainer.steps=1", output]) == 0
    kept = json.loads((run_of(tmp_path / "out") / "data.json").read_text())
    assert (kept["test"], kept["shared_with_train"]) == ("test", {"dev": 1})
    capsys.readouterr()
    said = "split=test: unknown; choose one of dev, train\n"
    assert call("evaluate", "split=test", run=tmp_path / "out") == (2, said)


def test_what_an_experiment_sets_of_another_part_is_left_out_and_told(tmp_path, capsys):
    for split in ("train", "dev", "test"):
        for language in ("en", "de"):
            (tmp_path / f"{split}.{language}").write_text("a b\n")
    options = [*SHORT, "dataset=parallel", f"dataset.root={tmp_path}", "trainer.steps=1"]
    assert main(["train", *SMOKE, *options, f"output={tmp_path / 'out'}"]) == 0
    assert capsys.readouterr().err == "".join(
        f"dataset.{option} of experiment=smoke is left out: dataset=parallel has no such option\n"
        for option in ("train_size", "dev_size", "test_size")
    )


def test_a_vocabulary_is_learned_from_the_training_split_alone(tmp_path):
    for split, text in (("train", "a b"), ("dev", "a c"), ("test", "a d")):
        (tmp_path / f"{split}.en").write_text(f"{text}\n")
        (tmp_path / f"{split}.de").write_text(f"{text}\n")
    config = {
        "dataset": {"name": "parallel", "root": str(tmp_path)},
        "tokenizer": {"name": "words"},
        "filters": {},
    }
    joint = assemble.material(config).vocabularies
    assert joint.joint
    assert joint.source.decode(joint.source.encode("a b c d")) == "a b <unk> <unk>"


@pytest.mark.parametrize(
    ("tokenized", "tokenize", "signature"),
    [(True, "auto", "tok:none"), (False, "auto", "tok:13a"), (True, "intl", "tok:intl")],
)
def test_tokenized_text_is_scored_as_it_is(tokenized, tokenize, signature):
    corpus = registry.build("dataset", {"name": "copy"})
    corpus.tokenized = tokenized
    scoring = assemble.scoring({"scoring": {"tokenize": tokenize}}, corpus)
    assert signature in scoring.corpus(["a"], ["a"])["BLEU"]["signature"]


def test_sentences_as_long_as_allowed_have_positions(tmp_path, capsys):
    options = [*BRIEF, "batches.max_length=40", "position=learned", "trainer.steps=1"]
    fitting = [*options, "position.max_positions=41"]
    assert call("train", *SMOKE, *fitting, output=tmp_path) == (0, "")
    capsys.readouterr()
    assert call("translate", "search=greedy", run=tmp_path, text="a " * 40) == (0, "")
    assert len(capsys.readouterr().out.split()) <= 41
    assert main(["train", *SMOKE, *options, "position.max_positions=40"]) == 2
    assert capsys.readouterr().err == (
        "batches.max_length=40: must be below the 40 positions that position=learned knows\n"
    )


def test_wrong_data_is_wrong_input(tmp_path, capsys):
    for name, text in (("train", "a\nb\n"), ("dev", "a\n"), ("test", "a\n")):
        (tmp_path / f"{name}.en").write_text(text)
        (tmp_path / f"{name}.de").write_text("x\n")
    options = ["dataset=parallel", f"dataset.root={tmp_path}", f"output={tmp_path / 'out'}"]
    assert main(["train", *options, *SHORT, "tokenizer=words", "model=tiny"]) == 2
    said = capsys.readouterr().err
    assert f"{Path(tmp_path) / 'train.en'} has 2 lines" in said
    assert "Traceback" not in said


def test_a_failure_is_kept_in_the_status(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("attn.watch.Watch.evaluate", lambda *_: 1 / 0)
    assert main(["train", *SMOKE, *BRIEF, "trainer.steps=1", f"output={tmp_path}"]) == 1
    status = json.loads((run_of(tmp_path) / "status.json").read_text())
    assert status["state"] == "failed"
    assert status["error"] == "ZeroDivisionError: division by zero"
    assert "division by zero" in capsys.readouterr().err


@pytest.mark.parametrize("name", [one for one in registry.names("model") if one != "transformer"])
def test_every_model_goes_the_whole_way(name, tmp_path, capsys):
    sizes = ["model.dim=16", "model.heads=2", "trainer.steps=4", "trainer.evaluate_every=2"]
    arguments = [*SMOKE, *BRIEF, f"model={name}", *sizes]
    assert call("train", *arguments, output=tmp_path) == (0, "")
    assert call("average", "best=2", run=tmp_path) == (0, "")
    assert call("evaluate", "search=beam", "samples=0", run=tmp_path) == (0, "")
    ((said, scores),) = results.load_scores(run_of(tmp_path))["test"].items()
    assert said.startswith("beam")
    assert scores["BLEU"]["score"] >= 0
    capsys.readouterr()
    assert call("translate", "search=beam", "search.max_extra=3", run=tmp_path, text="a b c") == (
        0,
        "",
    )
    assert len(capsys.readouterr().out.splitlines()) == 1
