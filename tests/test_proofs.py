"""Every registered attention and position proves what all must, and what it says of itself.

It is the code of ``attn verify``. What is compiled runs in a process of its own, without the checks
of shapes that the tests have: this file, run as a program.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from attn import registry
from attn.contract import Capabilities, Role
from attn.roles import made_names
from attn.verify import Case, proof
from attn.verify.cases import stream
from attn.verify.generic_training import compiled_alike
from attn.verify.proofs import PROOFS
from attn.verify.streams import LENGTHS
from attn.verify.suite import (
    Result,
    cover,
    due,
    due_of_position,
    inner,
    plain,
    put_to,
    smallest,
    whole,
)

NAMES = made_names()
COMPILED = "G17"
PARTS = 2  # of what is run in processes of its own


def as_program(*asked):
    """This file run as a program, without the checks of shapes that the tests have."""
    command = [sys.executable, "-W", "ignore", __file__, *asked]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def named(cases):
    return [pytest.param(case, id=str(case)) for case in cases]


def failed(results):
    return "\n".join(str(one) for one in results if one.failed)


def prove(case):
    missing = failed(put_to(one, case) for one in due(case) if one.topic != COMPILED)
    if missing:
        pytest.fail(missing, pytrace=False)


@pytest.mark.usefixtures("unchecked")  # shapes are checked in test_a_first_case_of_every_attention
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("case", named(case for name in NAMES for case in plain(name)))
def test_every_attention_in_every_role(case):
    prove(case)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("name", NAMES)
def test_a_first_case_of_every_attention(name):
    case = next(iter(plain(name)))
    assert not failed(put_to(one, case) for one in list(due(case))[:4])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_pair_of_choices(part):
    """In processes of their own, for without the checks of shapes they take a fifth of the time."""
    done = as_program("--cover", str(part))
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == f"{len(cover(NAMES)[part::PARTS])} hold"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("name", NAMES)
def test_every_choice(name):
    for case in whole(name):
        prove(case)


@pytest.mark.parametrize("name", registry.names("position"))
def test_every_position(name):
    missing = failed(put_to(one, case) for one, case in due_of_position(name))
    if missing:
        pytest.fail(missing, pytrace=False)


@pytest.mark.compiled
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_attention_can_be_compiled(part):
    """In one role each."""
    names = NAMES[part::PARTS]
    done = as_program("--compile", *names)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == len(names)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_every_attention_can_be_compiled_for_speed(name):
    done = as_program("--inductor", name)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


# The suite itself


def test_what_declares_more_is_of_known_kinds():
    for name in NAMES:
        component = registry.find("attention", name)
        declared = component.capabilities
        assert declared.roles
        assert declared.weights in {"exact", "partial", "free", "signed", "implied"}
        chooses = "kernel" in registry.option_types(component)
        assert declared.kernels[:1] == (("auto",) if chooses else ())


@pytest.mark.slow
def test_a_cover_holds_every_pair():
    """Of attention, role, scheme and kernel, wherever there is a case that has both."""

    def pairs(cases):
        found = set()
        for case in cases:
            chosen = (case.attention, case.role.value, f"at {case.position}", f"by {case.kernel}")
            found |= {(one, other) for one in chosen for other in chosen if one < other}
        return found

    names = [name for name in NAMES if name in {"softmax", "linear", "gated", "additive"}]
    covered = [*cover(names), *(case for name in names for case in plain(name))]
    assert pairs(covered) == pairs(case for name in names for case in whole(name))
    assert len(cover(names)) < len([case for name in names for case in whole(name)])


def test_proofs_of_all_are_named_and_numbered():
    generic = [one for one in PROOFS if one.name is None]
    assert {one.topic[0] for one in generic} == {"G", "P"}
    topics = {one.topic for one in generic if one.kind == "attention"}
    # G14, parameters, is for each to prove; G18, mutations, is test_mutations.py.
    assert topics == {f"G{number}" for number in range(1, 18) if number != 14}
    assert {one.name for one in PROOFS if one.topic == "G14"} == set(NAMES)


def test_no_scheme_acts_within_cross_attention():
    assert inner("softmax", Role.CROSS) == []


@pytest.fixture
def liar(request):
    """An attention that declares of itself what is not so, or fails otherwise."""
    base = registry.find("attention", "softmax")

    @registry.register("attention", "liar")
    class Liar(base):
        capabilities = Capabilities(frozenset(Role), **request.param)

        def __init__(self, place, *, heads: int = 8, kernel: str = "auto"):
            super().__init__(place, heads=heads, kernel=kernel)

        def forward(self, query, memory=None, **options):
            if "broken" in self.capabilities.paper:
                raise RuntimeError("a shape\n does not fit")
            return super().forward(query, memory, **options)

    yield "liar"
    del registry.get_kind("attention").components["liar"]


def results(name, role=Role.ENCODER):
    case = Case(name, role)
    return [put_to(one, case) for one in due(case) if one.topic != COMPILED]


@pytest.mark.parametrize("liar", [{"order_aware": True}], indirect=True)
def test_one_that_knows_no_order_cannot_say_it_does(liar):
    (one,) = [one for one in results(liar) if one.failed]
    assert str(one) == (
        "attention=liar role=encoder: G12: sees a bag of words, unless it is order-aware: "
        "is declared order-aware, and is not"
    )


@pytest.mark.parametrize("liar", [{"state": "matrix"}], indirect=True)
def test_a_state_that_grows_cannot_be_said_to_be_constant(liar):
    (one,) = [one for one in results(liar, Role.DECODER) if one.failed]
    assert one.failed.startswith("not kv: [")
    assert one.proof.topic == "G10"


@pytest.mark.parametrize("liar", [{"paper": "broken"}], indirect=True)
def test_what_fails_otherwise_does_not_hold(liar):
    found = results(liar)
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = 1 + next(number for number, text in enumerate(lines) if r"a shape\n" in text)
    said = f"RuntimeError: a shape does not fit (test_proofs.py, line {line})"
    assert {one.failed for one in found} - {None} == {said}
    first = smallest(found)
    assert first.proof.topic == "G1"
    assert smallest([]) is None


def test_the_smallest_case_has_the_fewest_choices():
    one = next(one for one in PROOFS if one.kind == "attention")
    cases = [
        Case("softmax", Role.DECODER, "none", {"kernel": "sdpa"}),
        Case("softmax", Role.DECODER),
        Case("softmax", Role.DECODER, "rope"),
    ]
    assert smallest([Result(one, case, "no", 0.1) for case in cases]).case is cases[1]
    assert [str(case) for case in cases] == [
        "attention=softmax role=decoder attention.kernel=sdpa",
        "attention=softmax role=decoder",
        "attention=softmax role=decoder position=rope",
    ]


def test_a_case_is_said_as_one_types_it():
    options, within = {"offsets": [-2, 2], "kernel": "sdpa"}, {"max_distance": 3}
    assert str(Case("softmax", Role.DECODER, "shaw", options, within)) == (
        "attention=softmax role=decoder 'attention.offsets=[-2, 2]' attention.kernel=sdpa "
        "position=shaw position.max_distance=3"
    )


def test_what_is_compiled_are_plain_cases():
    def compiled(*chosen):
        return any(one.topic == COMPILED for one in due(Case("softmax", Role.DECODER, *chosen)))

    assert compiled()
    assert compiled("none", {"heads": 2})
    assert not compiled("rope")
    assert not compiled("none", {"kernel": "sdpa"})


def test_nothing_is_dropped_unless_a_proof_asks_for_it():
    case = Case("softmax", Role.DECODER, "none", {"dropout": 0.5})
    assert case.build().core.dropout.rate == 0.0
    assert case.build(dropout=0.5).core.dropout.rate == 0.5


@pytest.mark.parametrize(
    ("name", "role", "options"),
    [
        ("window", Role.ENCODER, {"radius": 0, "global_tokens": 2}),
        ("window", Role.ENCODER, {"radius": 99}),
        ("linear", Role.DECODER, {"head_dim": 6}),
        ("linear", Role.CROSS, {"heads": 2}),
        ("gqa", Role.CROSS, {"kv_heads": 4}),
        ("differential", Role.CROSS, {"lambda_init": 0.2}),
        ("gaussian", Role.ENCODER, {"offsets": [-2, 2]}),
        ("lightconv", Role.ENCODER, {"kernel_size": 3}),
        ("softmax", Role.CROSS, {"dropout": 0.5}),
    ],
)
def test_other_options_than_the_usual_ones(name, role, options):
    prove(Case(name, role, "none", options))


def test_proofs_of_one_variant_are_of_that_variant_alone():
    size = len(PROOFS)
    try:
        proof("attention", "linear", "is here", roles=[Role.DECODER])(print)
        added = PROOFS[-1]
        assert added in list(due(Case("linear", Role.DECODER)))
        assert added not in list(due(Case("linear", Role.ENCODER)))
        assert added not in list(due(Case("softmax", Role.DECODER)))
        assert added not in list(
            due(Case("linear", Role.DECODER, "none", {"chunk": 3, "kernel": "x"}))
        )
    finally:
        del PROOFS[size:]


def is_cut_noticed():
    """Whether an attention is seen that looks at a number, by which its graph is cut in two."""

    @registry.register("attention", "cut")
    class Cut(registry.find("attention", "softmax")):
        def forward(self, query, memory=None, **options):
            output = super().forward(query, memory, **options)
            return output if float(query.x.sum()) < 1e12 else None

    case = Case("cut", Role.ENCODER)
    results = [put_to(one, case) for one in due(case) if one.topic == COMPILED]
    del registry.get_kind("attention").components["cut"]
    return [str(one.failed).partition(":")[0] for one in results] != ["None"]


def compile_all(names, backend):
    """Print the name of each attention that gives the same when it is compiled, in one role."""
    for name in names:
        case = plain(name)[0]
        query, memory = stream(3, 7, lengths=LENGTHS), case.memory()
        compiled_alike(case, query, memory, backend)
        print(name)


def prove_part(part):
    """Put one part of the cover to its proofs; what fails is printed."""
    cases = cover(NAMES)[part::PARTS]
    results = [put_to(one, case) for case in cases for one in due(case) if one.topic != COMPILED]
    wrong = failed(results)
    sys.exit(wrong) if wrong else sys.stdout.write(f"{len(cases)} hold\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    asked, chosen = sys.argv[1], sys.argv[2:]
    if asked == "--cover":
        prove_part(int(chosen[0]))
    else:
        assert is_cut_noticed()
        compile_all(chosen, "inductor" if asked == "--inductor" else "eager")
