"""Variants of a sweep spend what the first does: parameters, operations, target tokens, time."""

import pytest
from direct import composed

from attn import assemble, cost
from attn.matching import kept, pace, solving
from attn.matching.amounts import Amounts
from attn.matching.kept import Matched, Solution
from attn.matching.solving import Variant, solve
from attn.timing import Stopwatch

pytestmark = pytest.mark.usefixtures("unchecked")
TINY = ("experiment=smoke",)
SMALL = (*TINY, "model.dim=32")


def variants(base, *each):
    chosen = [[*base, *one.split()] for one in each]
    return [
        Variant(words, composed("train", tuple(one)).copy())
        for words, one in zip(each, chosen, strict=True)
    ]


def altered(variant, solution):
    for option, value in solution.sets.items():
        variant = variant.altered(option, value)
    return variant.config


def parameters(config):
    known = assemble.material(config).vocabularies
    model = assemble.model(config, source_size=known.source.size, target_size=known.target.size)
    return sum(cost.parameters(model).values())


def test_models_have_the_parameters_of_the_first():
    attentions = ("softmax", "gqa", "mla", "lightconv", "linear", "location")
    found = variants(SMALL, *(f"attention={one}" for one in attentions), "position=shaw")
    solutions = solve("params", found, [None] * len(found))
    target = parameters(found[0].config)
    for variant, solution in zip(found, solutions, strict=True):
        built = parameters(altered(variant, solution))
        assert (solution.amount, solution.target) == (built, target)
        assert abs(built / target - 1) <= 0.01, solution
        assert (solution.close, solution.why) == (True, "")
    by_name = {one.variant: one.sets for one in solutions}
    assert by_name["attention=softmax"] == by_name["attention=linear"] == {}
    assert list(by_name["attention=mla"]) == ["model.feedforward_dim"]
    # Its attention alone is larger: the feed-forward networks stay such, and all is narrower.
    assert list(by_name["attention=location"]) == ["model.dim", "model.feedforward_dim"]
    assert by_name["attention=location"]["model.feedforward_dim"] >= 64 // solving.FACTOR


def test_models_without_feed_forward_networks_have_another_width():
    wide = "model.dim=512 model.feedforward_dim=1024"
    recurrent = [f"model=recurrent attention={one}" for one in ("none", "additive", "general")]
    found = variants(TINY, wide, *recurrent, "model=convolutional")
    for one in solve("params", found, [None] * len(found))[1:]:
        assert list(one.sets) == ["model.dim"]
        assert abs(one.percent) <= 1, one


def test_steps_have_the_operations_of_the_first():
    found = variants(SMALL, "attention=softmax", "attention=mla")
    solutions = solve("flops", found, [None] * 2)
    for variant, solution in zip(found, solutions, strict=True):
        assert Amounts().flops(altered(variant, solution)) == solution.amount
        assert abs(solution.percent) <= 1


def test_a_width_too_coarse_is_told_with_its_neighbours():
    found = variants(TINY, "attention=softmax", "model=recurrent")
    [_, solution] = solve("params", found, [None] * 2)
    width = solution.sets["model.dim"]
    around = [parameters(found[1].altered("model.dim", n).config) for n in (width - 2, width + 2)]
    best = abs(solution.amount - solution.target)
    assert not solution.close
    assert best < min(abs(one - solution.target) for one in around)
    low, high = (width, width + 2) if solution.percent < 0 else (width - 2, width)
    shares = [
        100 * (parameters(found[1].altered("model.dim", n).config) / solution.target - 1)
        for n in (low, high)
    ]
    assert solution.why == (
        f"of model.dim, {low} gives {shares[0]:+.1f} % and {high} gives {shares[1]:+.1f} %, "
        "and nothing between them can be built"
    )


def test_a_width_that_the_user_has_set_stays():
    one, other = variants(TINY, "attention=softmax", "attention=location")
    typed = Variant(other.label, other.cfg, frozenset({"model.dim"}))
    [_, solution] = solve("params", [one, typed], [None] * 2)
    assert solution.sets == {"model.feedforward_dim": 64 // solving.FACTOR}
    assert (solution.close, solution.why) == (False, "no model.feedforward_dim comes nearer")


def test_trainings_read_the_same_number_of_target_tokens():
    more = "batches.tokens=600 trainer.accumulate=2"
    found = variants(("experiment=smoke",), "batches.tokens=300 trainer.steps=200", more)
    solutions = solve("tokens", found, [None] * 2)
    read = []
    for variant, solution in zip(found, solutions, strict=True):
        config = altered(variant, solution)
        material, batches = assemble.material(config), assemble.part(config, "batches")
        epoch = list(batches.epoch(material.ids, seed=5, epoch=3))
        mean = sum(batch.tokens for batch in epoch) / len(epoch)
        trainer = config["trainer"]
        read.append(trainer["steps"] * trainer["accumulate"] * mean)
    assert read[1] == pytest.approx(read[0], rel=0.02)  # batches differ from epoch to epoch
    assert abs(solutions[1].percent) <= 1
    [_, one] = solve("tokens", variants(("experiment=smoke",), "trainer.steps=2", more), [None] * 2)
    assert one.sets == {"trainer.steps": 1}
    assert one.close or one.why == f"a step is {100 * one.amount / one.target:.1f} % of the whole"


def test_steps_follow_from_the_seconds_of_each(monkeypatch):
    asked = []

    def seconds(configs, _):
        asked.append([one["attention"]["name"] for one in configs])
        return [{"softmax": 0.5, "linear": 0.25, "window": 1.0}[name] for name in asked[-1]]

    monkeypatch.setattr(pace, "seconds", seconds)
    names = ("softmax", "linear", "window")
    found = variants(("experiment=smoke", "trainer.steps=100"), *(f"attention={n}" for n in names))
    solutions = solve("time", found, [None] * 3)
    assert [one.sets for one in solutions] == [{}, {"trainer.steps": 200}, {"trainer.steps": 50}]
    assert [one.amount for one in solutions] == [50.0] * 3
    # Nothing is measured again; what is new stands beside the first, in the first's old seconds.
    known = [one.step for one in solutions]
    assert solve("time", found, known) == solutions
    [*_, new] = solve("time", found, [5.0, 2.5, None])
    assert (new.step, new.sets) == (10.0, {"trainer.steps": 50})
    assert asked == [list(names), ["softmax", "window"]]


def test_models_take_turns_on_batches_of_their_own(monkeypatch):
    turns = []

    def trained(watch, batches):
        turns.append((id(watch), sum(batch.tokens for batch in batches) / len(batches)))
        return 3.0 * len(batches)

    monkeypatch.setattr(Stopwatch, "trained", trained)
    found = variants(("experiment=smoke",), "batches.tokens=300", "trainer.accumulate=2")
    configs = [one.config for one in found]
    configs[1]["trainer"]["checkpoint_activations"] = True
    assert pace.seconds(configs, Amounts().material) == [3.0, 6.0]
    first, second = turns[:2]
    assert turns == [first, second] * (1 + pace.ROUNDS)
    assert first[1] < 300 < second[1]


def test_a_step_is_timed_on_every_batch():
    [one] = variants(("experiment=smoke",), "seed=1")
    [seconds] = pace.seconds([one.config], Amounts().material)
    assert seconds > 0


def test_what_was_solved_is_kept_with_the_study_and_with_each_run(tmp_path):
    some = [Solution("a=1", {}, 10.0, 10.0), Solution("a=2", {"model.dim": 8}, 11.0, 10.0, "w")]
    first = Matched("params", "d", [["a=1"], ["a=2"]], some, [["x"], ["y", "z"]])
    other = Matched("time", "d", [["a=1"], ["a=2"]], some, [["x"], ["y"]])
    assert kept.load(tmp_path) == []
    for one in (first, other, first):
        kept.save(tmp_path, one)
    assert kept.load(tmp_path) == [other, first]
    kept.leave(tmp_path, "z", tmp_path / "run")
    left = kept.read_json(tmp_path / "run" / "match.json")
    assert (left["match"], left["sets"], left["amount"]) == ("params", {"model.dim": 8}, 11.0)
    kept.leave(tmp_path, "unknown", tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (tmp_path / "match.json").write_text('{"sweeps": [{"kind": 1}]}')
    assert kept.load(tmp_path) == []
