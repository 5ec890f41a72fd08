"""``attn score`` and what it rests on, against the sum over single steps."""

import contextlib
import dataclasses
import json
import math

import pytest
import torch
from builders import build_model
from test_ensemble import altered
from test_ensemble import members as models
from test_members import said, trained  # noqa: F401 - a fixture

from attn import assemble
from attn.batching import Batches
from attn.cli import main
from attn.corpora import Pair
from attn.forced import forced, perplexity
from attn.members import Members
from attn.search import next_logits
from attn.search.ensemble import Ensemble
from attn.tokenizers import BOS, EOS, PAD
from attn.translation import Translator
from attn.vocabulary import Vocabularies


@dataclasses.dataclass
class Digits:
    """A tokenizer of digits."""

    size: int = 9

    def encode(self, text):
        return [int(digit) for digit in text]

    def decode(self, ids):
        return "".join(map(str, ids))

    def pieces(self, ids):
        return [str(i) for i in ids]

    def train(self, lines): ...

    def save(self, folder): ...

    def load(self, folder): ...


def translator(model, *, workers=1, autocast=contextlib.nullcontext, max_length=20):
    batches = Batches(tokens=max_length + 1, max_length=max_length)
    both = Vocabularies(Digits(), Digits())
    return Translator(model, both, batches, torch.device("cpu"), autocast, workers)


PAIRS = [
    Pair(source, target)
    for source, target in [
        ("5645", "78"), ("45", ""), ("", "5"), ("6", "4444444"), ("446", "3"), ("", ""), ("8", "8"),
    ]
]  # fmt: skip


@torch.no_grad()
def step_by_step(model, pair):
    """The log-probability of each token, one after the other."""
    source = torch.tensor([[*Digits().encode(pair.source), EOS]])
    valid, target = torch.ones_like(source, dtype=torch.bool), [*Digits().encode(pair.target), EOS]
    state = model.start(model.encode(source, valid), rows=1, capacity=len(target))
    gained = []
    for before, token in zip([BOS, *target], target, strict=False):
        logits, state = next_logits(model, torch.tensor([[before]]), state)
        gained.append(logits[0].log_softmax(-1)[token].item())
    return gained


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_it_is_the_sum_over_steps(number, workers, dealt):
    model = [*models(), Ensemble(models())][number]
    found = forced(translator(model, workers=workers, max_length=10), PAIRS)
    for one, pair in zip(found, PAIRS, strict=True):
        each = step_by_step(model, pair)
        assert one.score == pytest.approx(sum(each), abs=1e-4, rel=1e-4)
        assert one.tokens == len(each)
        assert one.perplexity == pytest.approx(perplexity(sum(each), len(each)), rel=1e-3)
    assert [one.empty for one in found] == [False, True, True, False, False, True, False]
    assert dealt == [workers]


def test_logits_are_made_some_at_a_time(monkeypatch):
    model = models()[0]
    whole = forced(translator(model), PAIRS)
    monkeypatch.setattr("attn.forced.CHUNK", 3)
    parts = forced(translator(model), PAIRS)
    assert [one.score for one in parts] == pytest.approx([one.score for one in whole])


def test_what_is_too_long_is_not_scored():
    pairs = [*PAIRS, Pair("4" * 8, "5"), Pair("5", "4" * 8)]
    found = forced(translator(models()[0], max_length=7), pairs)
    assert [math.isnan(one.score) for one in found] == [False] * len(PAIRS) + [True, True]
    assert math.isnan(found[-1].perplexity)
    assert found[-1].tokens == 9


def test_short_formats_are_near():
    model = altered(build_model(size=9, tied="none", norm="pre"), 4).float()

    def bf16():
        return torch.autocast("cpu", torch.bfloat16)

    exact, near = (
        forced(translator(model, autocast=cast), PAIRS) for cast in (contextlib.nullcontext, bf16)
    )
    for one, other in zip(exact, near, strict=True):
        assert other.score != one.score
        assert other.score == pytest.approx(one.score, rel=0.1)


def test_perplexity_has_its_limits():
    assert math.isnan(perplexity(0.0, 0))
    assert perplexity(-math.log(8), 3) == pytest.approx(2)
    assert math.isfinite(perplexity(-1e9, 1))


# The command


pytestmark = [pytest.mark.long]


def lines(text):
    return [line.split("\t") for line in text.splitlines()]


@pytest.fixture
def files(trained, tmp_path):  # noqa: F811
    """Sources and targets beside the runs."""
    (tmp_path / "s").write_text("a b c\n\n" + "a " * 300 + "\nd\n")
    (tmp_path / "t").write_text("c b a\nx\nb\n\n")
    (tmp_path / "short").write_text("c b a\n")
    return tmp_path


def test_a_line_for_each_pair_and_the_figures_of_all(trained, files, capsys):  # noqa: F811
    asked = (f"run={trained.one}", f"source={files / 's'}", f"target={files / 't'}")
    code, printed = said(capsys, "score", *asked)
    assert code == 0
    rows = lines(printed.out)
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert [row[2] for row in rows] == ["4", "2", "2", "1"]
    assert (rows[2][1], rows[2][3]) == ("nan", "nan")
    total = sum(float(row[1]) for row in rows if row[1] != "nan")
    assert printed.err.splitlines()[:2] == [
        "a side is empty, and is read as its end alone, in lines: 2, 4",
        "not scored, a side having over 256 tokens (batches.max_length): 3",
    ]
    told = f"3 translations, 7 tokens, log-probability {total:.2f}, perplexity "
    assert printed.err.splitlines()[2].startswith(told)
    assert float(printed.err.split()[-1]) == pytest.approx(math.exp(-total / 7), rel=1e-3)
    assert main(["score", *asked, f"output={files / 'o'}"]) == 0
    assert (files / "o").read_text() == printed.out


def test_of_dev_it_is_what_validation_said(trained, capsys):  # noqa: F811
    code, printed = said(capsys, "score", f"run={trained.one}", "checkpoint=20", "split=dev")
    assert code == 0
    validated = [
        one
        for one in map(json.loads, (trained.one / "metrics.jsonl").read_text().splitlines())
        if (one["group"], one["step"]) == ("dev", 20)
    ]
    assert float(printed.err.split()[-1]) == pytest.approx(validated[0]["perplexity"], abs=1e-4)
    assert len(lines(printed.out)) == 20


def test_a_greedy_translation_has_the_score_that_it_was_found_with(trained, files, capsys):  # noqa: F811
    asked = {"run": str(trained.two), "checkpoint": "best", "search": None,
             "precision": {"dtype": "auto", "device": "cpu"}}  # fmt: skip
    greedy = assemble.part({"search": {"name": "greedy"}}, "search", "search")
    used = Members.of(asked).translator()
    texts = ["a b c", "d e", "f"]
    found = used.translate(texts, greedy)
    pairs = [Pair(text, one.text) for text, one in zip(texts, found, strict=True)]
    assert any(one.finished for one in found)
    for one, scored in zip(found, forced(used, pairs), strict=True):
        if one.finished:
            assert scored.score == pytest.approx(one.score, abs=1e-3)


def test_an_ensemble_scores(trained, capsys):  # noqa: F811
    each = []
    for run in (trained.one, trained.two, f"[{trained.one},{trained.two}]"):
        code, printed = said(capsys, "score", f"run={run}", "split=dev")
        assert code == 0
        each.append([float(row[1]) for row in lines(printed.out)])
    for one, two, both in zip(*each, strict=True):
        assert min(one, two) < both


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["source=s"], "source, target: give both, or a split, e.g. split=test\n"),
        ([], "source, target: give both, or a split, e.g. split=test\n"),
        (
            ["source=s", "target=nothing", "checkpoint=7"],
            "checkpoint=7: not in {run}/checkpoints; choose best, last, average (made by attn "
            "average) or one of the steps: 10, 20\ntarget=nothing: there is no such file\n",
        ),
        (["source=.", "target=t"], "source=.: a folder; give a file\n"),
        (
            ["source=s", "target=short", "output=s"],
            "source, target: s has 4 lines and short has 1; line n of one must be the translation "
            "of line n of the other\noutput=s: is the input too; give another path\n",
        ),
        (
            ["source=s", "target=t", "split=test"],
            "source=s: split is given too; drop one of them\n"
            "target=t: split is given too; drop one of them\n",
        ),
        (
            ["split=tset", "output=."],
            "split=tset: unknown; did you mean 'test'? "
            "choose one of dev, longer, longest, test, train\n"
            "output=.: is a folder; give another path\n",
        ),
        (["source=s", "target=t", "root=x"], "root=x: is of split=NAME alone\n"),
        (["source=[s]", "split=dev"], "source=[s]: takes one value, not a list\n"),
    ],
)
def test_wrong_requests_are_named(trained, files, capsys, monkeypatch, arguments, message):  # noqa: F811
    run = trained.one.resolve()
    monkeypatch.chdir(files)
    code, printed = said(capsys, "score", f"run={run}", *arguments)
    assert (code, printed.err) == (2, message.format(run=run))


def test_paths_are_taken_as_they_are(trained, files, capsys, monkeypatch):  # noqa: F811
    run = trained.one.resolve()
    monkeypatch.chdir(files)
    (files / "s").rename(files / "a, (b)=c")
    assert main(["score", f"run={run}", "source=a, (b)=c", "target=t"]) == 0


def test_bytes_that_are_no_text_are_named(trained, files, capsys):  # noqa: F811
    (files / "t").write_bytes(b"a\n\xff\nb\nc\n")
    asked = (f"source={files / 's'}", f"target={files / 't'}")
    code, printed = said(capsys, "score", f"run={trained.one}", *asked)
    line = f"source, target: {files / 't'}, line 2: not UTF-8 (invalid start byte)\n"
    assert (code, printed.err) == (2, line)


def test_a_batch_that_does_not_fit_is_halved():
    sizes, pairs = [], [([5] * length, [6]) for length in (4, 2, 3, 1, 5)]

    def work(batch):
        sizes.append(len(batch.indices))
        if sizes[-1] > 2:
            raise MemoryError
        return [(batch.source != PAD).sum(1)[row] - 1 for row in range(sizes[-1])]

    made = translator(models()[0])
    assert made.by_batch(pairs, work) == [4, 2, 3, 1, 5]
    assert sizes == [5, 2, 3, 1, 2]


def test_one_sentence_that_does_not_fit_is_an_error():
    def work(_):
        raise MemoryError("8 GB")

    with pytest.raises(MemoryError, match=r"^8 GB$"):
        translator(models()[0]).by_batch([([5], [6])], work)
