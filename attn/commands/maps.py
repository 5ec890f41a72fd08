"""``attn maps``: where every head of a model looks, as a page to move through or as a picture."""

import dataclasses
import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import alignment, assemble, splits
from attn.contract import Role
from attn.corpora import Pair
from attn.files import output_problems, write_text
from attn.pictures import ALL, ENDINGS, MEAN, maps, sentences
from attn.pictures.maps import Shown
from attn.pictures.sentences import STEPS, WHOLE
from attn.registry import ConfigError, as_yaml, suggest
from attn.remarks import warn
from attn.roles import NONE, Roles
from attn.trained import Trained
from attn.words import span

PURPOSE = "show where every head of a model looks, beside another model's, as a page or a picture"
EXAMPLES = """
attn maps run=outputs/demo text='The dog sleeps.'
attn maps run=outputs/demo split=test sentences=[0,5,9] target=translation
attn maps run=outputs/transformer other=outputs/bahdanau split=test file=both.html
attn maps run=outputs/demo text='The dog sleeps.' role=cross file=cross.png
"""

PAGE = ".html"
REFERENCE, TRANSLATION = "reference", "translation"
TARGETS, WAYS = (REFERENCE, TRANSLATION), (WHOLE, STEPS)
OF_PICTURE = ("role", "layer", "head")
Asked = Mapping[str, Any]


def check(cfg: DictConfig) -> list[str]:
    """All problems: runs, sentences, the file, and what a picture cannot be made of."""
    asked = assemble.plain(cfg)
    found = [*Trained.problems(asked), *_other_problems(asked)]
    if (asked["text"] is None) is (asked["split"] is None):
        found.append("text, split: give one of them, e.g. split=test sentences=[0,5,9]")
    if asked["split"] is not None and asked["run"] != MISSING:
        found += splits.problems(asked)
    if asked["gold"] is not None and not Path(asked["gold"]).is_file():
        found.append(f"gold={asked['gold']}: there is no such file")
    found += _choice_problems(asked)
    return found + list(_file_problems(asked["file"]))


def unused(cfg: DictConfig) -> dict[str, str]:
    """What is of no use to what is asked for."""
    asked = assemble.plain(cfg)
    found: dict[str, str] = {}
    if asked["split"] is None:
        found |= dict.fromkeys(("sentences", "root", "target", "gold"), "is of split=... alone")
    elif asked["target"] == TRANSLATION:
        found["gold"] = "aligns references; leave target=translation out"
    if asked["text"] is None and asked["target"] != TRANSLATION:
        found["search"] = "is of a translation alone: of text=..., or with target=translation"
    if _is_page(asked["file"]):
        found |= dict.fromkeys(OF_PICTURE, "is of a picture alone: file=PATH.png or PATH.svg")
    return found


def run(cfg: DictConfig) -> None:
    """Look at the sentences and write the file."""
    asked = assemble.plain(cfg)
    shown, names = _look(asked)
    for one in shown:
        for line in maps.missing(one.config, one.readings[0]):
            warn(f"{one.name}: {line}")
    path = Path(asked["file"])
    if _is_page(asked["file"]):
        write_text(path, maps.write("Attention maps", names, shown))
    else:
        drawing = importlib.import_module("attn.pictures.apart")  # matplotlib, as late as may be
        drawing.write(path, shown, **{key: asked[key] for key in OF_PICTURE})
    print(path)  # noqa: T201


def _is_page(file: Any) -> bool:
    return as_yaml(file).lower().endswith(PAGE)


def _file_problems(file: Any) -> Iterator[str]:
    name = as_yaml(file)
    if not name.lower().endswith((PAGE, *ENDINGS)):
        yield f"file={name}: must end with {PAGE}, {' or '.join(ENDINGS)}"
    yield from output_problems("file", Path(name), folder=False)


def _other_problems(asked: Asked) -> list[str]:
    """What is wrong with both runs as such: the second one, and models without attention."""
    found = []
    if asked["other"] is not None:
        lines = Trained.problems({**asked, "run": asked["other"]})
        found = [f"other={line.removeprefix('run=')}" if line.startswith("run=") else line
                 for line in lines]  # fmt: skip
    for key in ("run", "other"):
        if found or asked[key] in (None, MISSING):
            continue
        try:
            folder, config = Trained.config_of({**asked, "run": asked[key]})
        except ConfigError:
            continue  # told already
        roles = Roles(config)
        if not {part["name"] for role in roles.roles for _, part in roles.layers(role)} - {NONE}:
            found.append(f"{key}={folder}: its model has no attention, and so no maps")
    return found


def _choice_problems(asked: Asked) -> Iterator[str]:
    numbers = asked["sentences"]
    if not isinstance(numbers, list) or not numbers or not all(_is_number(one) for one in numbers):
        yield f"sentences={as_yaml(numbers)}: must be numbers from 0, as [0,5,9]"
    for key, known in (
        ("target", TARGETS),
        ("weights", WAYS),
        ("role", [role.value for role in Role]),
    ):
        value = asked[key]
        if value not in known and not (value is None and key != "weights"):
            yield f"{key}={as_yaml(value)}: unknown; {suggest(str(value), known)}"
    for key in ("layer", "head"):
        if asked[key] not in (None, ALL, MEAN) and not _is_number(asked[key]):
            yield f"{key}={asked[key]}: must be all, mean, or a number from 0"
        elif asked[key] == ALL and asked["other"] is not None:
            yield f"{key}=all: with other=... two maps are compared; give mean or a number"
    if asked["layer"] == MEAN and asked["head"] not in (None, MEAN):
        yield f"head={asked['head']}: layer=mean is the mean of all heads; leave it out"


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# What is looked at


def _look(asked: Asked) -> tuple[list[Shown], list[str]]:
    """How each run reads each sentence, and the names of these."""
    trained = [Trained.of({**asked, "run": asked[key]}) for key in ("run", "other") if asked[key]]
    sources = _pairs(asked, trained[0])
    first = trained[0].translator()
    translates = asked["text"] is not None or asked["target"] == TRANSLATION
    how, readings = asked["weights"], []
    for key, pair in sources.items():
        if translates:
            search = trained[0].search()
            readings.append(sentences.of_text(first, pair.source, search, key=key, how=how))
        else:
            readings.append(sentences.of_pair(first, pair, key=key, how=how))
    said = [dataclasses.replace(pair, target=reading.texts[1])
            for pair, reading in zip(sources.values(), readings, strict=True)]  # fmt: skip
    every = [readings]
    for one in trained[1:]:
        translator = one.translator()
        every.append([
            sentences.of_pair(translator, pair, key=key, how=how)
            for key, pair in zip(sources, said, strict=True)
        ])
    names = _names(trained)
    shown = [Shown(name, f"{one.folder}, {one.checkpoint.name}", one.config, some)
             for name, one, some in zip(names, trained, every, strict=True)]  # fmt: skip
    return shown, list(sources)


def _pairs(asked: Asked, trained: Trained) -> dict[str, Pair]:
    """The sentences that are asked for, by name."""
    if asked["text"] is not None:
        return {"text": Pair(" ".join(str(asked["text"]).splitlines()), "")}
    corpus = splits.corpus_of(trained.config, asked["root"])
    split = splits.named(corpus, asked["split"])
    pairs = assemble.read(corpus, split)
    if beyond := [number for number in asked["sentences"] if number >= len(pairs)]:
        raise ConfigError([
            f"sentences={as_yaml(asked['sentences'])}: split={split} has {len(pairs)} sentences, "
            f"{span(len(pairs))}, and no {beyond[0]}"
        ])
    if asked["gold"] is not None:
        golds = alignment.asked("gold", asked["gold"], pairs)
        pairs = [
            dataclasses.replace(pair, alignment=tuple(sorted(gold.possible)))
            for pair, gold in zip(pairs, golds, strict=True)
        ]
    return {f"{split} {number}": pairs[number] for number in asked["sentences"]}


def _names(trained: Sequence[Trained]) -> list[str]:
    """A name of each run: model and attention, or its folder where these are the same."""
    names = [f"{one.config['model']['name']}, {Roles(one.config).label()}" for one in trained]
    return names if len(set(names)) == len(names) else [str(one.folder) for one in trained]
