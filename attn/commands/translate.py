"""``attn translate``: text in, text out."""

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig

from attn import assemble
from attn.checking import is_count
from attn.corpora.text import lines, lines_of
from attn.endpoints import deliver, input_problems, overwriting_problems
from attn.files import output_problems
from attn.members import Members
from attn.registry import ConfigError
from attn.remarks import warn
from attn.translation import PrefixError, Translation
from attn.words import some

PURPOSE = "translate text with a trained model: one sentence, a file, or standard input"
EXAMPLES = """
attn translate run=outputs/demo text='The dog sleeps.'
attn translate run=outputs/demo input=news.en output=news.de
cat news.en | attn translate run=outputs/demo search=greedy > news.de
attn translate run=outputs/demo n_best=5 text='The dog sleeps.'
attn translate run=[outputs/demo,outputs/other] text='The dog sleeps.'
attn translate run=outputs/demo text='The dog sleeps.' prefix='Der Hund'
"""

CHUNK = 2048  # lines translated at once: enough batches for all workers


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, its checkpoint, the search, the input."""
    asked = assemble.plain(cfg)
    found = Members.problems(asked)
    if asked["text"] is not None and asked["input"] is not None:
        found.append(f"input={asked['input']}: text is given too; drop one of them")
    if asked["input"] is not None:
        found += input_problems("input", Path(asked["input"]))
    if asked["prefix_file"] is not None:
        found += input_problems("prefix_file", Path(asked["prefix_file"]))
        if asked["prefix"] is not None:
            found.append(f"prefix_file={asked['prefix_file']}: prefix is given too; drop one")
    if asked["output"] is not None:
        found += output_problems("output", Path(asked["output"]), folder=False)
        read = [Path(asked[key]) for key in ("input", "prefix_file") if asked[key] is not None]
        found += overwriting_problems(Path(asked["output"]), read)
    if asked["n_best"] is not None and not is_count(asked["n_best"]):
        found.append(f"n_best={asked['n_best']}: must be at least 1, or null for the best alone")
    elif asked["n_best"] is not None and not found and asked["run"] != MISSING:
        found += _too_many(asked["n_best"], Members.of(asked))
    return found


def _too_many(wanted: int, models: Members) -> list[str]:
    rows, name = models.search().rows, models.first.search_section["name"]
    if wanted <= rows:
        return []
    return [
        f"n_best={wanted}: search={name} finds {rows}; set n_best={rows} or less, or search=beam "
        f"search.size={wanted}"
    ]


def run(cfg: DictConfig) -> None:
    """Translate, a line for each line, some lines at a time."""
    asked = assemble.plain(cfg)
    pairs = _begun(asked)
    models = Members.of(asked)
    translator, search, best = models.translator(), models.search(), asked["n_best"]
    cut = list[int]()

    def translated() -> Iterator[str]:
        first = 1
        for chunk in _chunks(pairs, _room(asked)):
            texts, prefixes = [text for text, _ in chunk], [prefix for _, prefix in chunk]
            begin = {"prefixes": prefixes} if any(prefixes) else {}
            try:
                said = translator.alternatives(texts, search, best=best or 1, **begin)
            except PrefixError as error:
                raise ConfigError(list(_told(asked, error.problems, first))) from None
            cut.extend(number for number, one in enumerate(said, first) if one[0].cut)
            yield "".join(_lines(said, first, scored=best is not None))
            first += len(texts)
        if first == 1:
            warn("there was no line to translate")

    deliver(translated(), asked["output"])
    if cut:
        most = translator.batches.max_length
        sys.stderr.write(
            f"only the first {most} tokens (batches.max_length) were translated of lines: "
            f"{some(cut)}\n"
        )


def _lines(said: Sequence[Sequence[Translation]], first: int, *, scored: bool) -> Iterator[str]:
    """What is written: a line for each text, or for each translation, with number and score."""
    for number, several in enumerate(said, first):
        for one in several:
            yield f"{number} ||| {one.text} ||| {one.score:.4f}\n" if scored else f"{one.text}\n"


def _room(asked: Mapping[str, Any]) -> int:
    """How many lines are translated at once: each as it comes where a person types them."""
    typed = asked["text"] is None and asked["input"] is None and sys.stdin.buffer.isatty()
    return 1 if typed else CHUNK


def _begun(asked: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The lines to translate, each with what its translation begins with, or nothing."""
    texts, file = _texts(asked["text"], asked["input"]), asked["prefix_file"]
    if file is None:
        prefix = "" if asked["prefix"] is None else _one_line(str(asked["prefix"]))
        return ((text, prefix) for text in texts)
    try:
        prefixes = [_one_line(line) for line in lines(Path(file))]
    except ValueError as error:
        raise ConfigError([f"prefix_file: {error}"]) from None
    every = list(texts)
    if len(prefixes) != len(every):
        raise ConfigError([
            f"prefix_file={file}: has {len(prefixes)} lines, and {len(every)} are to be "
            "translated; give each a line, which may be empty"
        ])
    return zip(every, prefixes, strict=True)


def _told(asked: Mapping[str, Any], problems: Mapping[int, str], first: int) -> Iterator[str]:
    """What is wrong with prefixes, and where."""
    for number, why in problems.items():
        if asked["prefix_file"] is not None:
            yield f"prefix_file={asked['prefix_file']}, line {first + number}: {why}"
        elif asked["text"] is not None:
            yield f"prefix={asked['prefix']}: {why}"
        else:
            yield f"prefix={asked['prefix']}: for line {first + number}: {why}"


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


def _chunks(lines: Iterable[tuple[str, str]], room: int) -> Iterator[list[tuple[str, str]]]:
    rest = iter(lines)
    while some := list(itertools.islice(rest, room)):
        yield some


def _texts(text: str | None, source: str | None) -> Iterator[str]:
    """The lines to translate, parted at line feeds alone."""
    if text is not None:
        yield _one_line(str(text))
        return
    try:
        yield from lines(Path(source)) if source is not None else _typed()
    except ValueError as error:
        raise ConfigError([f"input: {error}"]) from None


def _typed() -> Iterator[str]:
    """The lines of standard input, as they come."""
    for number, line in enumerate(sys.stdin.buffer, 1):
        yield from lines_of("standard input", line, first=number)
