"""The splits of the dataset that a run was trained on, as commands ask for them."""

from collections.abc import Mapping
from typing import Any

from attn import assemble, corpora
from attn.members import each
from attn.registry import ConfigError
from attn.trained import Trained


def corpus_of(config: Mapping[str, Any], root: str | None) -> corpora.Corpus:
    """The dataset of a run, in the folder where it lies now."""
    section = dict(config["dataset"])
    if root is not None:
        if "root" not in section:
            raise ConfigError([f"root={root}: dataset={section['name']} of this run has no folder"])
        section["root"] = root
    found: corpora.Corpus = assemble.part({"dataset": section}, "dataset", "dataset")
    return found


def named(corpus: corpora.Corpus, split: Any) -> str:
    """The split that is asked for; one called 2016 may come as a number."""
    return corpora.test_split(corpus) if split == "test" else str(split)


def problems(asked: Mapping[str, Any]) -> list[str]:
    """Why a command cannot have the split that it asks for, if so."""
    try:
        _, config = Trained.config_of(each(asked)[0])
    except ConfigError:
        return []  # what is wrong with the run is told already
    try:
        corpus = corpus_of(config, asked["root"])
        corpora.check_split(corpus, named(corpus, asked["split"]))
    except ConfigError as error:
        return [f"{problem}{_moved(problem, asked['root'])}" for problem in error.problems]
    except ValueError as error:
        return [str(error)]
    return []


def _moved(problem: str, root: str | None) -> str:
    """What to do if the data lies no longer where it lay in training."""
    lost = root is None and problem.startswith("dataset.root=")
    return "; if it was moved, give root=FOLDER" if lost else ""
