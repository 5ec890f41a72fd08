"""``attn verify``: from the command line to matrix and exit code."""

import json
import logging
import re
import sys
from pathlib import Path

import pytest
import torch
from hydra.core.config_store import ConfigStore

from attn import registry
from attn.cli import main
from attn.commands import verify as command
from attn.contract import Role
from attn.roles import made_names
from attn.verify import Case, matrix
from attn.verify.proofs import PROOFS
from attn.verify.suite import Result, due_of_position, put_to

pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
README = Path(__file__).parent.parent / "README.md"
PLUGIN = '''\
from attn.attention.softmax import SoftmaxAttention
from attn.contract import Capabilities, Place, Role
from attn.registry import register
from attn.verify import Case, holds, proof


@register("attention", "cheat")
class Cheat(SoftmaxAttention):
    """It declares what it is not."""

    capabilities = Capabilities(frozenset({Role.ENCODER}), order_aware=KNOWS, kernels=KERNELS)

    def __init__(self, place: Place, *, heads: int = 8, kernel: str = "auto", wrong: bool = True):
        super().__init__(place, heads=heads, kernel=kernel)
        self.wrong = wrong


@proof("attention", "cheat", "is right")
def _right(case: Case) -> None:
    holds(not case.build().wrong, "it is wrong")
'''


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch):
    """Without what is compiled, which would take its time, and see the checks of shapes."""

    def nothing(case, query, memory, backend):
        pass

    monkeypatch.setattr("attn.verify.generic_training.compiled_alike", nothing)


@pytest.fixture
def cheat(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    size = len(PROOFS)

    def write(*, knows=False, kernels=("auto", "explicit", "sdpa", "flex")):
        text = PLUGIN.replace("KNOWS", str(knows)).replace("KERNELS", str(kernels))
        (tmp_path / "cheating.py").write_text(text)
        return "plugins=[cheating]"

    yield write
    registry.get_kind("attention").components.pop("cheat", None)
    ConfigStore.instance().repo.get("attention", {}).pop("cheat.yaml", None)
    sys.modules.pop("cheating", None)
    del PROOFS[size:]


def test_a_matrix_of_one_attention(capsys):
    assert main(["verify", "attention=linear"]) == 0
    table, legend, counted = capsys.readouterr().out.split("\n\n")
    head, *rows = table.splitlines()
    assert head.split()[:4] == ["attention", "role", "G1", "G2"]
    assert head.split()[-1] == "own"
    assert [row.split()[:2] for row in rows] == [["linear", role.value] for role in Role]
    assert all(re.search(r" (\d+)/\1$", row) for row in rows)
    assert "  G4: cannot see the future; learns nothing from the future\n" in legend
    assert "G10" not in legend if "G10" not in head.split() else "G10" in legend
    marks = "+: holds; FAIL: does not; empty: not asked of it; own: how many proofs of its own hold"
    assert legend.splitlines()[-1] == f"  {marks}"
    proofs, choices, *_ = counted.splitlines()
    held, seconds = re.match(r"(\d+) of .* (\d+) s", proofs).groups()
    assert proofs == f"{held} of {held} proofs hold; {seconds} s"
    assert choices.startswith("156 choices of attention, role, position and kernel: ")


def test_a_role_and_a_position_in_markdown(capsys):
    arguments = ["attention=softmax", "role=encoder", "position=learned", "format=markdown"]
    assert main(["verify", *arguments]) == 0
    said = capsys.readouterr().out
    assert said.startswith("| attention | role | G1 | G2 |")
    assert said.count("\n| softmax | encoder | + |") == 1
    assert "\n- G1: the result is finite" in said
    assert "\n4 choices of attention, role, position and kernel: 4 can be built, 0" in said


def test_everything_as_json(capsys):
    assert main(["verify", "attention=average", "format=json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["cells"]["wrong"] == []
    assert whole["cells"]["built"] > 0
    assert whole["cells"]["reasons"]["role"] > 0
    first = whole["proofs"][0]
    assert first["attention"] == "average"
    assert first["holds"]
    assert {one["role"] for one in whole["proofs"]} == {"decoder"}
    assert {one["own"] for one in whole["proofs"]} == {True, False}


@pytest.fixture
def few(monkeypatch):
    """As if the registry had but these of a kind."""
    names, chosen = registry.names, {"position": ["none", "sinusoidal"]}
    monkeypatch.setattr(registry, "names", lambda kind: chosen.get(kind) or names(kind))
    return chosen


def test_the_whole_as_the_registry_has_it(capsys, few):
    few["attention"] = ["linear", "location"]
    assert main(["verify", "role=encoder"]) == 0
    said = capsys.readouterr().out
    assert "location" not in said
    assert "position    role     P1  P2  P3  P4  own\n" in said
    assert "\n8 choices of attention, " in said


@pytest.mark.usefixtures("few")
def test_what_does_not_hold_gives_exit_code_1(capsys, cheat):
    assert main(["verify", "attention=cheat", cheat(knows=True)]) == 1
    told = capsys.readouterr()
    assert "  FAIL  " in told.out
    assert told.out.count("0/1") == 1
    case = "attention=cheat role=encoder plugins=[cheating]"
    says = "G12: sees a bag of words, unless it is order-aware"
    why = "is declared order-aware, and is not"
    more = "3 more do not hold, of G12, own; format=json tells all"
    assert told.err == f"attn verify: does not hold: {case}: {says}: {why}; {more}\n"


@pytest.mark.usefixtures("few")
def test_own_proofs_are_of_the_usual_options(capsys):
    asked = ["attention=average", "model.feedforward_dim=24", "model.activation_dropout=0.1"]
    assert main(["verify", *asked]) == 0
    assert (
        "\nits own proofs are of its usual options, and left out with "
        "attention.feedforward_dim=24, attention.dropout=0.1\n"
    ) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("role", "position", "options", "cases"),
    [
        (None, "t5", {}, {"encoder t5 auto", "decoder t5 auto", "encoder t5 explicit"}),
        (None, "t5", {"kernel": "sdpa"}, {"encoder t5 sdpa", "decoder t5 sdpa"}),
        (None, "shaw_values", {"kernel": "sdpa"}, set()),
        ("cross", "t5", {}, set()),
        ("cross", "sinusoidal", {"kernel": "sdpa"}, {"cross none sdpa"}),
    ],
)
def test_what_is_asked_for_is_what_is_proven(role, position, options, cases):
    asked = {
        "role": role,
        "position": {"name": position},
        "attention": {"name": "softmax", **options},
    }
    found = [
        f"{case.role.value} {case.position} {case.kernel or 'auto'}"
        for case in command._cases(asked, "softmax", None)
    ]
    assert len(found) == len(set(found))
    assert cases == set(found) if options or not cases else cases <= set(found)


def test_the_plug_in_of_the_readme(capsys, tmp_path, monkeypatch):
    """It takes over capabilities, kernels among them, and has no option to choose one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (code,) = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "cold_attention.py").write_text(code)
    try:
        asked = ["attention=cold", "role=cross", "position=learned", "plugins=[cold_attention]"]
        assert main(["verify", *asked]) == 0
    finally:
        registry.get_kind("attention").components.pop("cold", None)
        ConfigStore.instance().repo.get("attention", {}).pop("cold.yaml", None)
        sys.modules.pop("cold_attention", None)
    assert ", 0 refused" not in capsys.readouterr().out  # the kernels that it has no option for


def test_a_cell_that_is_not_as_declared_gives_exit_code_1(capsys, cheat):
    kernels = cheat(kernels=("auto", "explicit"))
    right = "attention.wrong=false"
    assert main(["verify", "attention=cheat", right, "position=learned", kernels]) == 1
    assert capsys.readouterr().err == (
        "attn verify: neither builds nor is refused as declared: encoder_attention=cheat "
        "position=learned encoder_attention.kernel=sdpa plugins=[cheating]: refused for nothing; "
        "it declares what is refused for kernel\n"
    )


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (
            ["attention=lineer", "position=sinusoidel", "role=encodr", "format=cvs"],
            [
                "attention=lineer: unknown attention; did you mean 'linear'? choose one of ",
                "position=sinusoidel: unknown position; did you mean 'sinusoidal'? choose one of ",
                "format=cvs: unknown; choose one of json, markdown, terminal",
                "role=encodr: unknown; did you mean 'encoder'? choose one of cross, decoder, "
                "encoder",
            ],
        ),
        (
            ["attention=location", "role=encoder"],
            ["role=encoder: attention=location does not serve it; choose one of cross"],
        ),
        (
            ["attention=none"],
            [f"attention=none: makes nothing; choose one of {', '.join(made_names())}"],
        ),
        (["-m", "attention=linear,softmax"], ["-m: attn verify runs once, it does not sweep"]),
        (["attention=linear", "attention.chunk=x"], ["attention.chunk=x: not of type int"]),
        (["attention=linear", "attention.chunk=0"], ["attention.chunk=0: must be at least 1"]),
        (["model.heads=2"], ["model.heads=2: of an attention that is named; add attention=NAME"]),
        (
            ["attention=softmax", "model.heads=5"],
            ["model.heads=5: must divide the width 16, or head_dim and value_dim must be given"],
        ),
        (
            ["position=learned", "position.max_positions=0"],
            ["position.max_positions=0: must be at least 1"],
        ),
        (
            ["attention=softmax", f"attention.head_dim={10**18}"],
            ["attention=softmax: too large for a tensor; choose smaller sizes"],
        ),
    ],
)
def test_what_is_refused(arguments, problems, capsys):
    assert main(["verify", *arguments]) == 2
    said = capsys.readouterr().err.splitlines()
    for problem in problems:
        assert any(line.startswith(problem) for line in said), (problem, said)


@pytest.fixture
def turning():
    """A position scheme that linear attention has no place for."""

    @registry.register("position", "turning")
    class Turning:
        kind = registry.find("position", "none").kind.ROTARY

        def __init__(self, *, heads):
            pass

    yield
    del registry.get_kind("position").components["turning"]
    ConfigStore.instance().repo.get("position", {}).pop("turning.yaml", None)


def test_positions_that_cannot_act_there(turning, capsys):
    assert main(["verify", "attention=linear", "position=turning"]) == 2
    assert re.fullmatch(
        "position=turning: cannot act within attention=linear; choose one of .*none, .*\n",
        capsys.readouterr().err,
    )


def test_a_scheme_that_counts_places_is_seen(monkeypatch):
    learned = registry.find("position", "learned")
    forward = learned.forward

    def by_place(self, position):
        places = position.new_tensor(range(position.shape[1]))
        return forward(self, places.expand_as(position))

    monkeypatch.setattr(learned, "forward", by_place)
    results = [put_to(one, case) for one, case in due_of_position("learned")]
    assert {one.proof.topic for one in results if one.failed and one.proof.topic} == {"P3"}


def test_what_the_compiler_logs_is_not_shown(monkeypatch, caplog):
    def loud(module, **_):
        logging.getLogger("torch").error("noise")
        return module

    monkeypatch.setattr(torch, "compile", loud)
    (compiled,) = (one for one in PROOFS if one.topic == "G17")
    assert put_to(compiled, Case("softmax", Role.ENCODER)).failed is None
    assert caplog.records == []


def test_marks_of_a_matrix():
    generic = [one for one in PROOFS if one.kind == "attention" and one.name is None]
    case = Case("softmax", Role.ENCODER)
    results = [Result(generic[0], case, None, 0.1), Result(generic[1], case, "no", 0.1)]
    header, rows = matrix.attentions(results)
    topics = list(dict.fromkeys(one.proof.topic for one in results))
    assert header == ["attention", "role", *topics, "own"]
    assert rows == [["softmax", "encoder", *(["FAIL"] if len(topics) == 1 else ["+", "FAIL"]), ""]]
    assert matrix.positions(results) == (["position", "role", "own"], [])


def test_a_scheme_that_is_too_large_is_refused(capsys):
    huge = f"position.max_positions={10**18}"
    assert main(["verify", "position=learned", huge]) == 2
    said = "position: too large for a tensor; choose smaller sizes"
    assert capsys.readouterr().err == f"{said.replace('position', 'position=learned')}\n"
