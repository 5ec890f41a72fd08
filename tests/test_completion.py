"""What TAB offers, asked as a shell asks."""

import subprocess
import sys
from pathlib import Path

import pytest

from attn import flags, shells, usage
from attn.cli import main
from attn.completion import FILES, answers

pytestmark = pytest.mark.long

ATTN = Path(sys.executable).parent / "attn"
ASK = """\
eval "$({attn} completion bash)"
while IFS= read -r line; do
    COMP_LINE=$line COMP_POINT=${{#line}} COMPREPLY=()
    _attn_completion {attn} word before
    printf '%s|' "${{COMPREPLY[@]}}"
    printf '\\n'
done
"""


def offered(line):
    return [answer.rstrip() for answer in answers(line)]


def test_commands():
    assert answers("attn tr") == ["train ", "translate "]
    assert offered("attn ") == sorted([*usage.commands(), "completion"])
    assert offered("attn --") == ["--help", "--version"]
    assert offered("attn completion ") == sorted(shells.SCRIPTS)


def test_parts_places_and_sections():
    assert answers("attn train mod") == ["model.", "model="]
    assert answers("attn train attention@") == [
        f"attention@{place}="
        for place in (
            "attention_elsewhere", "cross_attention", "decoder_attention", "encoder_attention",
        )
    ]  # fmt: skip
    assert answers("attn train target") == ["target_tokenizer="]
    assert offered("attn evaluate ") == [
        "by_length=", "checkpoint=", "output=", "plugins=", "precision.", "root=", "run=",
        "samples=", "search=", "split=",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "place", ["attention", "cross_attention", "attention@cross_attention", "target_tokenizer"]
)
def test_the_names_of_a_place(place):
    group = usage.places("train")[place].partition("@")[0]
    assert answers(f"attn train {place}=") == [f"{place}={name} " for name in usage.groups()[group]]


def test_a_sweep_goes_on_behind_a_comma():
    line = "attn train -m position=none,"
    others = [name for name in usage.groups()["position"] if name != "none"]
    assert answers(line) == [f"position=none,{name}" for name in others]


def test_the_options_are_those_of_the_parts_on_the_line():
    assert answers("attn train position=learned position.") == ["position.max_positions="]
    assert answers("attn train position=none,learned -m position.") == [
        "position.allow_bag_of_words="
    ]
    assert "dataset.columns=" in answers("attn train dataset=parallel dataset.")
    assert answers("attn train target_tokenizer=words target_tokenizer.") == [
        "target_tokenizer.min_count="
    ]
    assert answers("attn train experiment=demo model=base model.dim=") == ["model.dim=512 "]


def test_the_values_of_an_option():
    assert offered("attn train precision.device=c") == [
        "precision.device=cpu",
        "precision.device=cuda",
    ]
    assert offered("attn train model.tied=") == [
        f"model.tied={how}" for how in ("all", "decoder", "none")
    ]
    assert offered("attn train attention@cross_attention=softmax cross_attention.kernel=s") == [
        "cross_attention.kernel=sdpa"
    ]
    assert offered("attn train tokenizer.byte_fallback=") == [
        f"tokenizer.byte_fallback={value}" for value in ("false", "true")
    ]


def test_the_checkpoints_of_a_run(tmp_path):
    known = [f"checkpoint={name}" for name in ("average", "best", "last")]
    assert offered("attn evaluate checkpoint=") == known
    assert offered("attn evaluate run=nowhere checkpoint=") == known
    (tmp_path / "one" / "checkpoints" / "step-20").mkdir(parents=True)
    (tmp_path / "one" / "config.yaml").touch()
    assert offered(f"attn score run={tmp_path} checkpoint=") == ["checkpoint=20", *known]


def test_kinds_and_names_to_list():
    assert offered("attn list kind=") == [f"kind={kind}" for kind in usage.groups()]
    assert offered("attn list kind=search name=") == [
        f"name={name}" for name in usage.groups()["search"]
    ]
    assert offered("attn list se") == ["search"]
    others = ["format=", "kind=", "name=", "plugins="]
    assert offered("attn list search ") == sorted([*usage.groups()["search"], *others])
    assert offered("attn list search name=b") == ["name=beam"]
    assert answers("attn list search greedy b") == []


@pytest.mark.parametrize(
    "line",
    [
        "attn evaluate run=", "attn compare runs=out", "attn translate input=",
        "attn train output=", "attn train dataset=parallel dataset.root=my/",
        "attn train --config-dir ", "attn train --config-dir=c",
    ],
)  # fmt: skip
def test_the_shell_completes_paths(line):
    assert answers(line) == [FILES]


def test_flags():
    takes_value = {f"{flag}=" for flag in flags.KNOWN if flag in flags.VALUED}
    assert set(offered("attn train -")) == takes_value | {"-m", "--help", "--resolve"}
    assert "-m " not in answers("attn list -")
    assert answers("attn train --cfg=j") == ["--cfg=job "]
    assert answers("attn train --cfg job -p model -p opt") == ["optimizer "]


def test_the_users_own_files(tmp_path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nseed: 7\n")
    line = f"attn train --config-dir={tmp_path} experiment=mi"
    assert answers(line) == ["experiment=mine "]
    assert answers(f"{line}ne seed=") == ["seed=7 "]
    assert answers("attn train experiment=mi") == []


@pytest.mark.parametrize(
    "line",
    [
        "", "attn", "attn nonsense ", "attn train 'mod", "attn train a' 'b", "attn train model..",
        "attn train =", "attn train position.x.", "attn train ~", "attn train a[",
        "attn train ${seed", "attn train hydra/", "attn train text=", "attn train \\",
        "attn train model.dim=5", "attn train --cfg=x", "attn train --nonsense",
        "attn completion fish", "attn train encoder_layers.",
    ],
)  # fmt: skip
def test_nonsense_has_no_answers(line, capfd):
    assert main(["completion", "query", line]) == 0
    assert capfd.readouterr() == ("", "")


def test_a_part_that_does_not_exist_hides_nothing_else():
    assert answers("attn train model=nonsense position.") == [
        "position.base=",
        "position.layout=",
    ]


# Shells


def test_bash_asks_and_takes_what_it_would_type():
    lines = {
        "attn tr": ["train ", "translate "],
        "attn train attention@cross": ["cross_attention="],
        "attn train attention@cross_attention=softmax_": ["softmax_one "],
        "attn train --cfg=": ["all ", "hydra ", "job "],
        "attn train '": [],
    }
    done = subprocess.run(
        ["bash", "-c", ASK.format(attn=ATTN)],
        input="".join(f"{line}\n" for line in lines),
        check=True,
        capture_output=True,
        text=True,
    )
    replies = [[one for one in line.split("|") if one] for line in done.stdout.splitlines()]
    assert dict(zip(lines, replies, strict=True)) == lines
    assert done.stderr == ""


def test_an_answer_imports_nothing_heavy():
    code = """\
import sys
from attn.cli import main
assert main(["completion", "query", "attn train model=base model."]) == 0
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_scripts(capsys):
    for shell, script in shells.SCRIPTS.items():
        assert main(["completion", shell]) == 0
        assert capsys.readouterr().out == script.lstrip()


def test_help_of_completion(capsys):
    assert main(["completion", "--help"]) == 0
    said = capsys.readouterr().out
    assert said == shells.HELP
    assert all(f"completion {shell}" in said for shell in shells.SCRIPTS)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "attn completion: needs the shell; write one of bash, zsh behind it"),
        (["fish"], "fish: no such shell here; choose one of bash, zsh"),
        (["bahs"], "bahs: no such shell here; did you mean 'bash'? choose one of bash, zsh"),
        (["bash", "seed=3"], "seed=3: attn completion takes the shell alone"),
    ],
)
def test_a_shell_that_is_not_there(arguments, problem, capsys):
    assert main(["completion", *arguments]) == 2
    assert capsys.readouterr().err == f"{problem}\n"
