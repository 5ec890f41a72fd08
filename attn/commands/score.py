"""``attn score``: how probable a trained model finds translations that it is given."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import assemble, splits
from attn.corpora import Pair
from attn.corpora.text import pairs as pairs_of
from attn.endpoints import deliver, input_problems, overwriting_problems
from attn.files import output_problems
from attn.forced import Forced, forced, perplexity
from attn.members import Members
from attn.registry import ConfigError
from attn.remarks import warn
from attn.words import figure, some

PURPOSE = "tell how probable a trained model finds given translations"
EXAMPLES = """
attn score run=outputs/demo source=news.en target=news.de
attn score run=outputs/demo split=test output=test.scores
attn score run=[outputs/demo,outputs/other] split=dev
"""

SIDES = ("source", "target")
BOTH = ", ".join(SIDES)
CHUNK = 2048  # pairs scored at once: enough batches for all workers


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, its checkpoint, the files or the split, the output."""
    asked = assemble.plain(cfg)
    found = Members.problems(asked)
    if asked["split"] is not None:
        found += [
            f"{key}={asked[key]}: split is given too; drop one of them"
            for key in SIDES
            if asked[key] is not None
        ]
        found += splits.problems(asked) if asked["run"] != MISSING else []
    else:
        found += _file_problems(asked)
    if asked["output"] is not None:
        found += output_problems("output", Path(asked["output"]), folder=False)
        read = [Path(asked[key]) for key in SIDES if asked[key] is not None]
        found += overwriting_problems(Path(asked["output"]), read)
    return found


def unused(cfg: DictConfig) -> dict[str, str]:
    """The folder of the data, where no split is asked for."""
    return {} if cfg.split is not None else {"root": "is of split=NAME alone"}


def run(cfg: DictConfig) -> None:
    """Score, a line for each pair, some pairs at a time; then tell of all."""
    asked = assemble.plain(cfg)
    models = Members.of(asked)
    pairs = _pairs(asked, models.first.config)
    translator = models.translator()
    every = list[Forced]()

    def scored() -> Iterator[str]:
        for at in range(0, len(pairs), CHUNK):
            made = forced(translator, pairs[at : at + CHUNK])
            every.extend(made)
            yield "".join(_lines(made, at + 1))

    deliver(scored(), asked["output"])
    for line in _summary(every, translator.batches.max_length):
        warn(line)


def _file_problems(asked: Mapping[str, Any]) -> list[str]:
    given = {key: asked[key] for key in SIDES if asked[key] is not None}
    found = [line for key, path in given.items() for line in input_problems(key, Path(path))]
    if len(given) < len(SIDES):
        return [*found, f"{BOTH}: give both, or a split, e.g. split=test"]
    if not found:
        try:
            _from_files(asked)
        except ConfigError as error:
            found = error.problems
    return found


def _from_files(asked: Mapping[str, Any]) -> Sequence[Pair]:
    """The lines of two files side by side.

    Raises:
        ConfigError: unequal numbers of lines, or lines that cannot be read.
    """
    try:
        return pairs_of(BOTH, *(Path(asked[key]) for key in SIDES))
    except ValueError as error:
        raise ConfigError([str(error)]) from None


def _pairs(asked: Mapping[str, Any], config: Mapping[str, Any]) -> Sequence[Pair]:
    if asked["split"] is None:
        return _from_files(asked)
    corpus = splits.corpus_of(config, asked["root"])
    return assemble.read(corpus, splits.named(corpus, asked["split"]))


def _lines(made: Sequence[Forced], first: int) -> Iterator[str]:
    """Number, log-probability, tokens and perplexity of each pair."""
    for number, one in enumerate(made, first):
        yield f"{number}\t{one.score:.4f}\t{one.tokens}\t{figure(one.perplexity, 4)}\n"


def _summary(every: Sequence[Forced], most: int) -> Iterator[str]:
    """What is to be known of single lines, and the figures of all that were scored."""
    if empty := [number for number, one in enumerate(every, 1) if one.empty]:
        yield f"a side is empty, and is read as its end alone, in lines: {some(empty)}"
    if long := [number for number, one in enumerate(every, 1) if math.isnan(one.score)]:
        yield f"not scored, a side having over {most} tokens (batches.max_length): {some(long)}"
    scored = [one for one in every if not math.isnan(one.score)]
    total, tokens = sum(one.score for one in scored), sum(one.tokens for one in scored)
    yield (
        f"{len(scored)} translations, {tokens} tokens, log-probability {total:.2f}, "
        f"perplexity {figure(perplexity(total, tokens), 4)}"
    )
