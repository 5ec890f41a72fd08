"""``attn list``: what there is to choose from."""

import re
import sys
from dataclasses import fields

import pytest
from omegaconf import OmegaConf

from attn import flags, registry, tables, usage
from attn.cli import main
from attn.commands import list as listing
from attn.contract import Capabilities
from attn.registry import ConfigError
from attn.roles import made_names


def asked(kind=None, name=None, form="terminal"):
    return OmegaConf.create({"kind": kind, "name": name, "format": form, "plugins": []})


def listed(capsys, kind=None, name=None, form="terminal"):
    listing.run(asked(kind, name, form))
    return capsys.readouterr().out


def test_the_kinds_and_their_purposes(capsys):
    table, how = listed(capsys).split("\n\n")
    head, *rows = table.splitlines()
    assert re.split("  +", head) == ["kind", "what it is"]
    assert [re.split("  +", row) for row in rows] == [
        *([kind, registry.get_kind(kind).purpose] for kind in registry.kinds()),
        ["experiment", "a named set of overrides of all the others"],
        ["launcher", "where the jobs of a sweep run"],
        ["sweeper", "which jobs a sweep has"],
    ]
    assert how == listing.MORE


def test_attentions_and_what_they_can_do(capsys):
    said = listed(capsys, "attention")
    table, legend, presets = said.split("\n\n")
    assert re.findall(r"(?m)^\w+", presets)[1:] == ["additive_raw", "concat_raw", "general_raw"]
    head, *rows = table.splitlines()
    assert re.split("  +", head) == [
        "attention", "roles", "positions", "kernels", "weights", "state", "parameters", "time",
        "paper",
    ]  # fmt: skip
    assert [row.split()[0] for row in rows] == made_names()
    assert f"{legend}\n" == listing.LEGEND
    (softmax,) = (re.split("  +", row) for row in rows if row.startswith("softmax "))
    assert softmax[1:] == [
        "encoder decoder cross", "all", "explicit sdpa flex", "exact", "kv", f"{4 * 512 * 512:,}",
        "T S D", "Vaswani et al. 2017",
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["markdown", "csv"])
def test_attentions_in_other_forms(capsys, form):
    assert listed(capsys, "attention", form=form) == tables.FORMATS[form](*listing.attentions())


@pytest.mark.parametrize("kind", [kind for kind in registry.kinds() if kind != "attention"])
def test_the_names_of_a_kind(capsys, kind):
    components, _, _ = listed(capsys, kind).partition("\n\npreset")
    head, *rows = components.splitlines()
    assert re.split("  +", head) == [kind, "what it is"]
    assert [row.split()[0] for row in rows] == registry.names(kind)
    for row in rows:
        assert re.fullmatch(r"\w+ +\S.*\.", row), f"no first line of a docstring: {row}"


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in registry.kinds() for name in registry.names(kind)]
)
def test_one_component(capsys, kind, name):
    said = listed(capsys, kind, name)
    assert said.startswith(f"{kind}={name}\n\n")
    component = registry.find(kind, name)
    for option, annotation in registry.option_types(
        component, registry.get_kind(kind).given
    ).items():
        kept = rf"^{option} +{re.escape(registry.type_name(annotation))}  +\S.*  +\S.*$"
        assert re.search(kept, said, re.M), f"{option}: no type, default or comment"
    assert "Raises" not in said


def test_presets_say_whose_they_are_and_what_they_set(capsys):
    said = listed(capsys, "model")
    assert re.search("^preset +what it is$", said, re.M)
    assert re.search("^small +3[+]3 layers of width 256[.]$", said, re.M)
    said = listed(capsys, "model", "small")
    assert said.startswith(
        "model=small\n\n3+3 layers of width 256. A preset of model=transformer:\n\nEncoder"
    )
    assert re.search("^dim +int +256 +width of embeddings and layers$", said, re.M)
    assert re.search("^norm +str +post +post [(]the paper's[)] | pre$", said, re.M)


def test_experiments_are_listed_and_shown(capsys):
    head, *rows = listed(capsys, "experiment").splitlines()
    assert re.split("  +", head) == ["experiment", "what it is"]
    assert [row.split()[0] for row in rows] == usage.groups()["experiment"]
    [demo] = (row for row in rows if row.startswith("demo "))
    assert demo == "demo                         The embedded grammar, learned in some minutes."
    said = listed(capsys, "experiment", "demo")
    assert said.startswith("experiment=demo\n\n# The embedded grammar")
    assert "override /schedule: cosine" in said


def test_a_part_without_options(capsys):
    assert listed(capsys, "tokenizer", "bytes").endswith("\n\nIt has no options.\n")


def test_an_option_without_text_as_its_default(capsys):
    assert re.search("^held_out_tag +str +'' +a word", listed(capsys, "dataset", "parallel"), re.M)


def test_kind_and_name_need_no_keys(capsys):
    assert main(["list", "search", "--config-dir", ".", "greedy"]) == 0
    assert capsys.readouterr().out == listed(capsys, "search", "greedy")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["search", "name=beam"], ["kind=search", "name=beam"]),
        (["beam", "kind=search"], ["name=beam", "kind=search"]),
        (["plugins=[]", "search", "-x", "+y"], ["plugins=[]", "kind=search", "-x", "+y"]),
        (["search", "beam", "greedy"], ["kind=search", "name=beam", "greedy"]),
    ],
)
def test_words_without_keys_stand_for_kind_and_name(words, named):
    assert flags.named("list", words) == named
    assert flags.named("train", words) == words


def test_every_capability_is_explained():
    assert list(listing.CAPABILITIES) == [field.name for field in fields(Capabilities)]


def test_an_attention_says_what_it_can_do(capsys):
    said = listed(capsys, "attention", "softmax")
    assert said.startswith(
        "attention=softmax\n\nMulti-head scaled dot-product attention.\n\n`y = W_o"
    )
    assert re.search(r"^heads +int +\$\{model.heads\} +how many heads$", said, re.M)
    assert re.search(r"^head_dim +int \| None +null +width of a query", said, re.M)
    assert re.search("^roles +cross, decoder, encoder +where it can stand", said, re.M)
    assert re.search("^positions +.*input, none", said, re.M)
    assert re.search("^kernels +auto, explicit, sdpa", said, re.M)


def test_a_table_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    said = listed(capsys, "search")
    assert "likeliest token at each step" in said
    assert "\x1b[1m" in said


@pytest.mark.parametrize(
    ("kind", "name", "problem"),
    [
        (None, "softmax", "name=softmax: needs its kind; write kind=..."),
        ("attn", None, "kind=attn: unknown kind; did you mean 'attention'? choose one of {kinds}"),
        ("greedy", None, "kind=greedy: unknown kind; write kind=search name=greedy"),
        (
            "attention",
            "sofmax",
            "name=sofmax: unknown attention; did you mean 'softmax'? choose one of {attentions}",
        ),
    ],
)
def test_what_does_not_exist(kind, name, problem):
    problem = problem.format(
        kinds=", ".join(sorted([*registry.kinds(), "experiment", "launcher", "sweeper"])),
        attentions=", ".join(sorted(listing._names("attention"))),
    )
    cfg = asked(kind, name)
    assert listing.check(cfg) == [problem]
    with pytest.raises(ConfigError, match=f"^{re.escape(problem)}$"):
        listing.run(cfg)


@pytest.mark.parametrize(
    ("kind", "form", "problem"),
    [
        (
            "attention",
            "marked",
            "format=marked: unknown; did you mean 'markdown'? choose one of csv, markdown, "
            "terminal",
        ),
        (
            "search",
            "csv",
            "format=csv: is of the table of attentions alone; write attn list attention",
        ),
    ],
)
def test_a_form_that_there_is_not(kind, form, problem):
    assert listing.check(asked(kind, form=form)) == [problem]


def test_files_of_the_users_own_are_listed_too(tmp_path, capsys):
    for file, text in {
        "model/mine.yaml": "# Mine\ndefaults:\n  - _self_\n  - small\ndim: 8\n",
        "model/plain.yaml": "name: transformer\n",
        "model/one.yaml": "defaults: [other]\n",
        "model/other.yaml": "defaults: [one]\n",
        "experiment/short.yaml": "# @package _global_\n# Short\nseed: 3\n",
        "search/broken.yaml": "size: [",
    }.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)

    def said(*words):
        code = main(["list", *words, f"--config-dir={tmp_path}"])
        printed = capsys.readouterr()
        return code, printed.err if code else printed.out

    code, listed = said("model")
    assert (code, listed.splitlines()[-4].split()) == (0, ["mine", "Mine."])
    assert listed.splitlines()[-1].endswith("plain.yaml, which has no comment.")
    code, listed = said("model", "mine")
    assert listed.startswith("model=mine\n\nMine. A preset of model=transformer:\n\n")
    assert re.search("^dim +int +8 ", listed, re.M)
    assert said("experiment", "short") == (0, "experiment=short\n\n# Short\nseed: 3\n")
    assert said("model", "one") == (
        2,
        "name=one: is a preset of one, which is no model\n",
    )
    fault = "line 1: expected the node content, but found '<stream end>'"
    assert said("search") == (2, f"{tmp_path}/search/broken.yaml, {fault}\n")
