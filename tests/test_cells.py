"""Every choice of attention, role, positions and kernel builds or is refused."""

import pytest

from attn import registry
from attn.contract import Capabilities, PositionKind, Role
from attn.roles import made_names
from attn.verify import cells

pytestmark = pytest.mark.usefixtures("unchecked")
NAMES, POSITIONS = made_names(), registry.names("position")
AT_ONCE = {"additive", "coverage", "linear", "mla", "softmax", "window"}  # attn verify counts all


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [name if name in AT_ONCE else pytest.param(name, marks=pytest.mark.slow) for name in NAMES],
)
def test_there_is_no_third_outcome(name):
    counted = cells.count(map(cells.outcome, cells.every([name], POSITIONS)))
    assert [f"{one.cell}: {one.wrong}" for one in counted.wrong] == []
    assert counted.built + counted.refused == 3 * len(POSITIONS) * 4
    print(f"{name}: {counted}")


def able(role):
    return [name for name in NAMES if role in registry.find("attention", name).capabilities.roles]


def test_every_reason_is_told_at_once():
    one = cells.outcome(cells.Cell("coverage", Role.ENCODER, "none", "sdpa"))
    assert str(one.cell) == "encoder_attention=coverage position=none encoder_attention.kernel=sdpa"
    assert one.wrong is None
    kernel, role, order = one.refused
    assert kernel.startswith("encoder_attention.kernel=sdpa: unknown option; ")
    assert role == (
        "encoder_attention=coverage: cannot serve the encoder role; "
        f"choose one of {', '.join(able(Role.ENCODER))}"
    )
    assert order.startswith("position=none: the encoder would see a bag of words; choose one of ")
    assert [cells.reason_of(line) for line in one.refused] == ["kernel", "role", "order"]


def test_a_kernel_that_cannot_serve_is_told_beside_a_role():
    one = cells.outcome(cells.Cell("local_p", Role.DECODER, "sinusoidal", "flex"))
    assert sorted(cells.reason_of(line) for line in one.refused) == ["kernel", "role"]
    assert one.wrong is None
    assert cells.reason_of("attention.heads=5: must divide the width 16") == "options"


def test_counts_in_words():
    built = cells.Outcome(cells.Cell("softmax", Role.ENCODER, "none", "auto"), (), None)
    refused = cells.Outcome(built.cell, ("position=none: ...", "encoder_attention=x: ..."), None)
    wrong = cells.Outcome(built.cell, (), "KeyError: 'x'")
    counted = cells.count([built, built, refused, wrong])
    assert str(counted).splitlines() == [
        "4 choices of attention, role, position and kernel: 2 can be built, 1 are refused",
        "  1 since these positions cannot act within it",
        "  1 since it does not serve the role",
        "  1 of them for several reasons",
    ]
    assert counted.wrong == [wrong]
    assert str(cells.count([built])) == (
        "1 choices of attention, role, position and kernel: 1 can be built, 0 are refused"
    )
    lines = ("position=none: the encoder would see a bag of words", "x_attention.kernel=y", "z=1")
    each = [cells.Outcome(built.cell, (line,), None) for line in lines]
    assert str(cells.count(each)).splitlines()[1:] == [
        "  1 since the encoder would see a bag of words",
        "  1 since it has no such kernel",
        "  1 since its options do not fit",
    ]


@pytest.fixture
def declared(request):
    """Softmax attention that declares something else of itself."""
    base = registry.find("attention", "softmax")

    @registry.register("attention", "declared")
    class Declared(base):
        capabilities = Capabilities(frozenset(Role), frozenset(PositionKind), **request.param)

        def __init__(self, place, *, heads: int = 8, kernel: str = "auto"):
            if self.capabilities.paper:
                raise eval(self.capabilities.paper)
            super().__init__(place, heads=heads, kernel=kernel)

    yield "declared"
    del registry.get_kind("attention").components["declared"]


@pytest.mark.parametrize(
    ("declared", "wrong"),
    [
        (
            {"kernels": ("auto", "explicit")},
            "refused for nothing; it declares what is refused for kernel",
        ),
        ({"paper": "KeyError(3)"}, "KeyError: 3"),
        (
            {"paper": "ValueError('heads=4: too few')"},
            "does not say what to choose instead: encoder_attention.heads=4: too few",
        ),
    ],
    indirect=["declared"],
)
def test_what_is_wrong_with_a_cell_is_said(declared, wrong):
    one = cells.outcome(cells.Cell(declared, Role.ENCODER, "sinusoidal", "sdpa"))
    assert one.wrong == wrong
