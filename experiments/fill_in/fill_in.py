"""Decoding as the paper's readers first meet it: the target is there from the start, and wrong.

It is filled with anything. Position by position the whole model reads the source and the whole
target, and its prediction takes the place of what stood there. Nothing is cached, and what stands
after the current position changes nothing, for no position sees a later one.

attn train experiment=demo study=make-demo
.venv/bin/python experiments/fill_in/fill_in.py outputs/make-demo 'The strong bird is clever.'
"""

import random
import sys
from collections.abc import Iterator, Sequence

import torch

from attn import runs
from attn.models.encoder_decoder import EncoderDecoder
from attn.tokenizers import BOS, EOS, PAD, UNK
from attn.trained import Trained
from attn.translation import Translator


@torch.no_grad()
def fill_in(
    model: EncoderDecoder, source: Sequence[int], target: Sequence[int]
) -> Iterator[list[int]]:
    """The target after each prediction, up to the first end or the last position.

    ``y_t = argmax_v p(v | y_<t, x)`` for t = 1, 2, ..., from the logits of all positions at once.
    """
    row = torch.tensor([[*source, EOS]])
    filled = list(target)
    for place in range(len(filled)):
        inputs = torch.tensor([[BOS, *filled[:-1]]])
        logits = model.project(model(row, row != PAD, inputs))[0, place].float()
        logits[[PAD, BOS]] = -torch.inf  # never said
        filled[place] = int(logits.argmax())
        yield list(filled)
        if filled[place] == EOS:
            return


def shown(translator: Translator, target: Sequence[int], known: int) -> str:
    """The target, a bar after what is predicted already."""
    pieces = translator.vocabularies.target.pieces(target)
    return " ".join([*pieces[:known], "|", *pieces[known:]])


def main(run: str, text: str, length: int = 10, seed: int = 1) -> None:
    """Fill a target of random words in, and show it after each step."""
    precision = {"device": "cpu", "dtype": "fp32", "tf32": False, "threads": 0}
    asked = {"run": str(runs.find(run)), "checkpoint": "best", "precision": precision}
    translator = Trained.of(asked).translator()
    known, drawn = translator.vocabularies, random.Random(seed)
    anything = [drawn.randrange(UNK + 1, known.target.size) for _ in range(length)]
    sys.stdout.write(f"{shown(translator, anything, 0)}\n")
    steps = fill_in(translator.model, known.source.encode(text), anything)
    for place, target in enumerate(steps, 1):
        sys.stdout.write(f"{shown(translator, target, place)}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
