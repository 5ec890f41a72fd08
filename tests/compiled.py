"""Trains a small model compiled and as it is, and tells what it found, as JSON.

A program of its own: what tests check of shapes is not there to be compiled.
"""

import json
import sys

import torch
from builders import build_model

from attn import compiling
from attn.activations import checkpoint_activations
from attn.batching import collate
from attn.compiling import Compiler
from attn.loss import Loss
from attn.optim import adam
from attn.precision import Precision
from attn.registry import RunError
from attn.session import Session
from attn.trainer import Trainer

SHAPES = ((3, 5, 7), (2, 11, 3), (5, 4, 4), (7, 13, 2))
MORE = ((1, 4, 3), (9, 8, 7), *SHAPES)


def small(**options):
    return build_model(encoder_layers=1, decoder_layers=1, **options).train()


def batch(rows, source, target):
    pairs = [([4 + row % 5] * source, [5 + row % 3] * target) for row in range(rows)]
    return collate(pairs, range(rows))


def compiled(model):
    compiler = Compiler("on", torch.device("cpu"))
    compiler.apply(model)
    return compiler


def session(model):
    return Session(
        model=model,
        loss=Loss(),
        optimizer=adam(parameters=model.parameters(), learning_rate=0.01),
        schedule=lambda _: 1.0,
        precision=Precision(device="cpu", dtype="fp32"),
        epoch=lambda *_: iter([batch(*SHAPES[0])]),
    )


def losses(model, shapes):
    one = session(model)
    return [float(Trainer().update(one, [batch(*shape)])[0]) for shape in shapes]


def gradients(model):
    one = batch(*SHAPES[0])
    model(one.source, one.source_valid, one.inputs).sin().sum().backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


def differing(one, other):
    names = {*one, *other}
    return sorted(
        name for name in names if not torch.allclose(one[name], other[name], rtol=1e-5, atol=1e-8)
    )


def trained():
    """Steps with batches of several shapes."""
    model, plain = small(), small()
    compiler = compiled(model)
    found = {"losses": losses(model, SHAPES), "losses as it is": losses(plain, SHAPES)}
    found["report"] = compiler.report()
    found["differing"] = differing(model.state_dict(), plain.state_dict())
    return found, compiler, model


def more():
    """And what else there is of shapes, of random numbers, of layers that are computed again."""
    found, compiler, model = trained()
    losses(model, MORE)
    found["report later"] = compiler.report()

    dropping, drawn = small(dropout=0.5), []
    compiled(dropping)
    one = batch(*SHAPES[3])
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        drawn.append(dropping(one.source, one.source_valid, one.inputs))
    found["same seed, same masks"] = torch.equal(drawn[0], drawn[1])
    found["other seed, same masks"] = torch.equal(drawn[0], drawn[2])

    again = small()
    checkpoint_activations(again)
    compiled(again)
    found["gradients with layers computed again"] = differing(gradients(again), gradients(small()))
    return found


def failed():
    def broken(*_):
        raise OSError("there is no header\nand much more is said")

    torch._dynamo.lookup_backend = lambda _: broken
    one = session(small())
    compiled(one.model)
    try:
        Trainer()._explained(one, [batch(*SHAPES[0])])
    except RunError as error:
        return {"error": str(error)}
    return {}


if __name__ == "__main__":
    torch.set_num_threads(1)
    compiling.BACKEND = sys.argv[1]
    tried = {"broken": failed, "eager": more, "inductor": lambda: trained()[0]}
    sys.stdout.write(json.dumps(tried[sys.argv[1]]()))
