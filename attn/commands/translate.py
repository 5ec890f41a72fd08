"""``attn translate``: text in, text out."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from attn import assemble
from attn.files import write_text
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
    if asked["input"] is not None and not Path(asked["input"]).is_file():
        found.append(f"input={asked['input']}: there is no such file")
    return found


def run(cfg: DictConfig) -> None:
    """Translate, a line for each line."""
    asked = assemble.plain(cfg)
    trained = Trained.of(asked)
    texts = _texts(asked["text"], asked["input"])
    said = trained.translator().translate(texts, trained.search())
    written = "".join(f"{one.text}\n" for one in said)
    cut = sum(one.cut for one in said)
    if cut:
        sys.stderr.write(f"{cut} lines were longer than batches.max_length and cut\n")
    if asked["output"] is None:
        sys.stdout.write(written)
    else:
        write_text(Path(asked["output"]), written)


def _texts(text: str | None, source: str | None) -> list[str]:
    """The lines to translate, parted at line feeds alone."""
    if text is not None:
        return [" ".join(str(text).splitlines())]
    content = Path(source).read_bytes() if source is not None else sys.stdin.buffer.read()
    lines = content.decode("utf-8").split("\n")
    return lines[:-1] if not lines[-1] else lines
