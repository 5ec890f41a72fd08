"""A small model and a few sentences for tests of searches, and what the model has of them."""

import functools

import torch
from builders import build_model

from attn import registry, search  # noqa: F401 - registers
from attn.tokenizers import BOS, EOS, PAD

SOURCE = torch.tensor([[5, 6, 4, 5, 2], [4, 5, 2, 0, 0], [6, 2, 0, 0, 0], [4, 4, 6, 2, 0]])
VALID = SOURCE != PAD


@functools.cache
def model(size=7, *, ending=0.0):
    """A small model whose probabilities differ clearly; ``ending`` is added to the end's logit."""
    built = build_model(size=size, tied="none", norm="pre")
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.dim() > 1:
                parameter.add_(torch.randn_like(parameter), alpha=0.6)
    bias = torch.zeros(size, dtype=torch.float64)
    bias[EOS] = ending
    built.output.bias = torch.nn.Parameter(bias)
    return built


def build(name, **options):
    return registry.build("search", {"name": name, "max_ratio": 0.0, "max_extra": 6, **options})


def found(searching, built, source=SOURCE, valid=VALID):
    """The best hypothesis of each sentence."""
    return [one for (one,) in searching(built, source, valid)]


@torch.no_grad()
def log_probability(built, row, tokens):
    """Of tokens, their end included, by one pass over them all."""
    inputs = torch.tensor([[BOS, *tokens[:-1]]])
    hidden = built(SOURCE[row : row + 1], VALID[row : row + 1], inputs)
    table = built.project(hidden).float().log_softmax(-1)[0]
    return sum(table[place, token].item() for place, token in enumerate(tokens))


@functools.cache
def continuations(built, row, prefix):
    """Each token that may come after a prefix and its log-probability, by one pass over it."""
    source = SOURCE[row : row + 1, : int(VALID[row].sum())]
    hidden = built(source, source != PAD, torch.tensor([[BOS, *prefix]]))[0, -1]
    table = built.project(hidden).float().log_softmax(-1).tolist()
    return [(token, table[token]) for token in range(len(table)) if token not in (PAD, BOS)]
