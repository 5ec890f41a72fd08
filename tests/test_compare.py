"""A row for each variant, from what runs have left."""

import csv
import io
import json

import pytest
from direct import call
from test_checkpoint import seal
from torch import nn

from attn import runs
from attn.checkpoint import Checkpoints
from attn.cli import main
from attn.compare import reading
from attn.files import update_json, write_json

SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
TOKENIZED = SIGNATURE.replace("13a", "none")


def leave(
    folder, *, seed=1, dim=8, position="sinusoidal", dev=30.0, test=None, signature=SIGNATURE,
    state="finished", searched="beam", step=10,
):  # fmt: skip
    """A run as training and evaluation leave it."""
    run = folder / f"{position}-{dim}" / f"seed-{seed}"
    config = {
        "seed": seed,
        "output": str(folder),
        "model": {"name": "transformer", "dim": dim, "heads": dim},
        "position": {"name": position},
        "search": {"name": "beam", "size": 5},
        "precision": {"device": "cpu"},
    }
    runs.save_config(run, config)
    runs.set_status(run, state)
    write_json(run / "data.json", {"test": "test_2016"})
    lines = [
        {"group": "train", "tokens_per_second": 100.0 * seed},
        {"group": "dev", "minutes": 2.5},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / "metrics.jsonl").write_text(text + '{"group": "tr')
    meta = {
        "score": dev,
        "parameters": 1000 * dim,
        "dev": {"BLEU": {"score": dev, "signature": signature}},
    }
    Checkpoints(run / "checkpoints").save(10, nn.Linear(1, 1), {}, meta)
    if test is not None:
        entry = {
            "BLEU": {"score": test, "signature": signature},
            "search": {"name": searched, "size": 5},
            "checkpoint": {"name": f"step-{step}"},
        }
        update_json(run / "scores.json", lambda every: every.update(test_2016={"a": entry}))
    return run


def test_a_split_needs_a_name(tmp_path, capsys):
    leave(tmp_path)
    assert main(["compare", f"runs={tmp_path}", "split=null"]) == 2
    assert capsys.readouterr().err == "split=null: not a list; write [A,B]\n"


def compared(capsys, *arguments):
    assert call("compare", "format=csv", *map(str, arguments)) == (0, "")
    said = capsys.readouterr()
    return list(csv.DictReader(io.StringIO(said.out))), said.err.splitlines()


def test_a_split_may_be_called_by_a_number(tmp_path, capsys):
    run = leave(tmp_path, test=28.0)
    update_json(run / "scores.json", lambda every: every.update({"2016": every["test_2016"]}))
    [row], _ = compared(capsys, f"runs={tmp_path}", "split=2016")
    assert row["BLEU 2016"] == "28.0000"


def test_seeds_of_a_variant_share_a_row_and_the_best_comes_first(tmp_path, capsys):
    for seed, dev, test in ((1, 30.0, 28.0), (2, 32.0, 29.0)):
        leave(tmp_path, seed=seed, dev=dev, test=test)
    leave(tmp_path, position="none", dev=35.0, test=33.0)
    rows, remarks = compared(capsys, f"runs={tmp_path}")
    assert rows == [
        {
            "position": "none",
            "seeds": "1",
            "BLEU dev": "35.0000",
            "BLEU dev deviation": "",
            "BLEU dev runs": "1",
            "BLEU test": "33.0000",
            "BLEU test deviation": "",
            "BLEU test runs": "1",
            "parameters": "8000",
            "tokens/s trained": "100",
            "minutes": "2.5000",
            "Pareto": "parameters minutes",
        },
        {
            "position": "sinusoidal",
            "seeds": "2",
            "BLEU dev": "31.0000",
            "BLEU dev deviation": "1.4142",
            "BLEU dev runs": "2",
            "BLEU test": "28.5000",
            "BLEU test deviation": "0.7071",
            "BLEU test runs": "2",
            "parameters": "8000",
            "tokens/s trained": "150",
            "minutes": "2.5000",
            "Pareto": "",
        },
    ]
    assert remarks == [f"BLEU {SIGNATURE}"]


@pytest.mark.parametrize("score", [29.0, 30.0, 31.0])
def test_the_best_checkpoint_is_that_which_evaluate_takes(tmp_path, score):
    run = leave(tmp_path, dev=30.0)
    kept = Checkpoints(run / "checkpoints", keep_best=2, keep_last=2)
    kept.save(20, nn.Linear(1, 1), {}, {"score": score})
    [found] = reading.read([str(tmp_path)])
    assert found.best == kept.best().name


def test_options_that_always_differ_alike_are_one_column(tmp_path, capsys):
    leave(tmp_path, dim=8, test=1.0)
    leave(tmp_path, dim=16, test=2.0)
    rows, _ = compared(capsys, f"runs={tmp_path}")
    assert [title for title in rows[0] if not title.startswith("BLEU")] == [
        "model.dim", "seeds", "parameters", "tokens/s trained", "minutes", "Pareto",
    ]  # fmt: skip
    assert {row["model.dim"] for row in rows} == {"8", "16"}


def test_unlike_signatures_never_share_a_column(tmp_path, capsys):
    leave(tmp_path, dim=8, dev=31.0, test=30.0)
    leave(tmp_path, dim=16, dev=41.0, test=40.0, signature=TOKENIZED)
    rows, remarks = compared(capsys, f"runs={tmp_path}")
    assert [(row["BLEU test [1]"], row["BLEU test [2]"]) for row in rows] == [
        ("", "40.0000"),
        ("30.0000", ""),
    ]
    assert remarks == [f"[1] BLEU {SIGNATURE}", f"[2] BLEU {TOKENIZED}"]


@pytest.mark.long
def test_what_was_not_evaluated_is_told_and_how_it_is(tmp_path, capsys):
    one = leave(tmp_path, seed=1, test=20.0)
    two = leave(tmp_path, seed=2)
    three = leave(tmp_path, seed=3, test=90.0, searched="greedy")
    four = leave(tmp_path, seed=4, test=90.0, step=7, state="failed")
    rows, remarks = compared(capsys, f"runs={tmp_path}")
    assert [(row["BLEU test"], row["BLEU test runs"]) for row in rows] == [("20.0000", "1")]
    assert call("compare", f"runs={tmp_path}") == (0, "")
    assert "20.00 (1 of 4)" in capsys.readouterr().out
    assert remarks == [
        f"BLEU {SIGNATURE}",
        f"failed: {four}",
        "not evaluated on test, by their own search with the best checkpoint:",
        *(f"  attn evaluate run={run} split=test" for run in (two, three, four)),
    ]
    assert compared(capsys, f"runs=[{one}]")[1] == [f"BLEU {SIGNATURE}"]


def test_a_split_that_the_dataset_has_not_is_unknown(tmp_path):
    run = leave(tmp_path, test=20.0)
    assert call("compare", f"runs={tmp_path}", "split=tst") == (0, "")  # its dataset is not told
    runs.save_config(run, {**runs.load_config(run), "dataset": {"name": "copy"}})
    assert call("compare", f"runs={tmp_path}", "split=[test,longer]") == (0, "")
    assert call("compare", f"runs={tmp_path}", "split=[test,tst]") == (
        2,
        "split=tst: unknown; did you mean 'test'? "
        "choose one of dev, longer, longest, test, train\n",
    )


def test_what_was_altered_is_told(tmp_path, capsys):
    run = leave(tmp_path, test=20.0)
    seal(run / "checkpoints" / "step-10", config={**runs.load_config(run), "model": {}, "tied": 1})
    write_json(run / "status.json", {"state": 5})
    assert compared(capsys, f"runs={tmp_path}")[1] == [
        f"{run}/config.yaml: is not what the run was trained with: model, tied",
        f"BLEU {SIGNATURE}",
        f"unreadable status.json: {run}",
    ]


def test_a_run_that_has_only_begun_is_a_row_too(tmp_path, capsys):
    run = tmp_path / "seed-1"
    runs.save_config(run, {"seed": 1, "search": {"name": "beam"}})
    rows, remarks = compared(capsys, f"runs={tmp_path}")
    assert [(row["seeds"], row["BLEU dev"], row["BLEU dev runs"]) for row in rows] == [
        ("1", "", "0")
    ]
    assert remarks[0] == f"unknown: {run}"


def test_for_people_remarks_stand_under_the_table(tmp_path, capsys):
    leave(tmp_path, test=1.0)
    assert main(["compare", f"runs={tmp_path}"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(
        "seeds  BLEU dev  BLEU test  parameters  tokens/s trained  minutes\n1 "
    )
    assert said.out.endswith(f"BLEU {SIGNATURE}\n")
    assert said.err == ""


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["runs=nowhere"], ["runs=nowhere: there is no such folder"]),
        (["runs=a,b"], ["runs=a,b: there is no such folder; several are written as runs=[a,b]"]),
        (
            ["runs={folder}", "format=html"],
            [
                "format=html: unknown; choose one of csv, json, latex, markdown, terminal",
                "runs={folder}: holds no run; a run's folder holds config.yaml",
            ],
        ),
        (["split=dev"], ["runs: needs a value; write runs=VALUE"]),
    ],
)
def test_wrong_requests_are_named(tmp_path, capsys, arguments, lines):
    assert main(["compare", *(one.format(folder=tmp_path) for one in arguments)]) == 2
    assert capsys.readouterr().err.splitlines() == [one.format(folder=tmp_path) for one in lines]


def test_data_that_was_moved_is_the_same_variant(tmp_path, capsys):
    for seed, root in ((1, "here"), (2, "there")):
        run = leave(tmp_path, seed=seed)
        runs.save_config(
            run, {**runs.load_config(run), "dataset": {"name": "parallel", "root": root}}
        )
    [row], _ = compared(capsys, f"runs={tmp_path}")
    assert row["seeds"] == "2"


def test_a_part_that_one_lacks_is_one_column(tmp_path, capsys):
    for dim, part in ((8, None), (16, {"name": "words", "size": 5})):
        run = leave(tmp_path, dim=dim, dev=float(dim))
        runs.save_config(run, {**runs.load_config(run), "target_tokenizer": part})
    header = list(compared(capsys, f"runs={tmp_path}")[0][0])
    assert len(set(header)) == len(header)


def test_csv_is_for_programs(tmp_path, capsys):
    leave(tmp_path)
    [row], _ = compared(capsys, f"runs={tmp_path}")
    assert (row["parameters"], row["BLEU test"]) == ("8000", "")
    assert main(["compare", f"runs={tmp_path}", "format=markdown"]) == 0
    assert "| 8,000 |" in capsys.readouterr().out
