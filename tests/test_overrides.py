"""Arguments as Hydra reads them, free text made safe."""

import pytest
from fakes import runs
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from attn import overrides

FREE = [
    "Hello, world",
    "It's (not) so; a=b, {c: d} [e]",
    "\"quoted\" 'twice'",
    "${model.heads} and $HOME",
    r"a \ b \' c \\",
    r"\${x}",
    "null",
    "",
    " ",
    "5",
    "ÄÖÜ ß 你好",
    "two\nlines",
]


def test_text_is_taken_literally(fake):
    text = 'It\'s (not) so; a=b, {c: d} [e] "f" ${seed} \\'
    assert fake(f"text={text}") == 0
    assert runs()[0].text == text


def read(argument):
    (one,), problems = overrides.parse([argument])
    assert problems == []
    return OmegaConf.create({"seed": 1, "value": one.override.value()}).value


@pytest.mark.parametrize("text", FREE)
def test_text_is_quoted(text):
    assert read(f"text={text}") == text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_quoted(text):
    assert read(f"text={text}") == text


@pytest.mark.parametrize("path", ["out/a,b=c (d)", "it's", "/x/${seed}", "5%", "a b/c"])
@pytest.mark.parametrize("key", ["run", "dataset.root"])
def test_paths_are_quoted_but_interpolations_hold(key, path):
    assert read(f"{key}={path}") == path.replace("${seed}", "1")


@pytest.mark.long
def test_a_path_may_be_null_or_quoted_or_swept(fake):
    assert fake("run=null", "-m") == 0
    assert fake("run='a,b'") == 0
    assert fake("-m", "run=choice(a,b)") == 0
    assert [cfg.run for cfg in runs()] == [None, "a,b", "a", "b"]


def test_a_value_that_hydra_cannot_read_is_text(fake):
    assert fake("needed=it's (5") == 0
    assert runs()[0].needed == "it's (5"


def test_the_ends_of_an_interval_are_checked():
    (given,), problems = overrides.parse(["seed=interval(3,7)"])
    assert problems == []
    assert [job[0].typed for job in overrides.jobs([given])] == ["seed=3", "seed=7"]
    (given,), _ = overrides.parse(["rate=interval(0.5,1)"])
    assert [job[0].typed for job in overrides.jobs([given])] == ["rate=0.5", "rate=1"]


def test_only_the_text_itself_is_free(fake):
    (given,), problems = overrides.parse(["dataset.text=raw,tokenized"])
    assert problems == []
    assert [job[0].typed for job in overrides.jobs([given])] == [
        "dataset.text=raw",
        "dataset.text=tokenized",
    ]


def test_values_parted_by_commas_are_a_list_where_an_option_takes_one(fake):
    assert fake("jobs=0,5,9") == 0
    assert fake("-m", "jobs=[1],[2]") == 0
    assert [cfg.jobs for cfg in runs()] == [[0, 5, 9], [1], [2]]


def test_a_sweep_over_the_names_that_match(fake, refuses):
    assert fake("-m", "position=glob([l*,sin*],exclude=s*)", "seed=1,2") == 0
    assert [(cfg.position.name, cfg.seed) for cfg in runs()] == [("learned", 1), ("learned", 2)]
    runs().clear()
    reason = "glob(...) stands for the names of a group that match, and here none does"
    refuses(
        ["-m", "position=glob(z*)", "seed=glob(*)"],
        f"position=glob(z*): {reason}",
        f"seed=glob(*): {reason}",
    )
