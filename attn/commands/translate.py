"""``attn translate``: text in, text out."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from attn import assemble
from attn.corpora.text import lines, lines_of
from attn.files import output_problems, write_text
from attn.registry import ConfigError
from attn.trained import Trained

PURPOSE = "translate text with a trained model: one sentence, a file, or standard input"
EXAMPLES = """
attn translate run=outputs/demo text='The dog sleeps.'
attn translate run=outputs/demo input=news.en output=news.de
cat news.en | attn translate run=outputs/demo search=greedy > news.de
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, its checkpoint, the search, the input."""
    asked = assemble.plain(cfg)
    found = Trained.problems(asked)
    if asked["text"] is not None and asked["input"] is not None:
        found.append(f"input={asked['input']}: text is given too; drop one of them")
    if asked["input"] is not None:
        found += _input_problems(Path(asked["input"]))
    if asked["output"] is not None:
        found += output_problems("output", Path(asked["output"]), folder=False)
    return found


def _input_problems(path: Path) -> list[str]:
    if path.is_dir():
        return [f"input={path}: a folder; give a file"]
    if not path.is_file():
        return [f"input={path}: there is no such file"]
    return []


def run(cfg: DictConfig) -> None:
    """Translate, a line for each line."""
    asked = assemble.plain(cfg)
    trained = Trained.of(asked)
    texts = _texts(asked["text"], asked["input"])
    said = trained.translator().translate(texts, trained.search())
    written = "".join(f"{one.text}\n" for one in said)
    cut = sum(one.cut for one in said)
    if cut:
        sys.stderr.write(f"lines longer than batches.max_length, and cut: {cut}\n")
    if asked["output"] is None:
        sys.stdout.write(written)
    else:
        write_text(Path(asked["output"]), written)


def _texts(text: str | None, source: str | None) -> list[str]:
    """The lines to translate, parted at line feeds alone."""
    if text is not None:
        return [" ".join(str(text).splitlines())]
    try:
        if source is not None:
            return lines(Path(source))
        return lines_of("standard input", sys.stdin.buffer.read())
    except ValueError as error:
        raise ConfigError([f"input: {error}"]) from None
