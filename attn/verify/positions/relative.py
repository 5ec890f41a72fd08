"""What all relative position schemes prove of whole attentions."""

import dataclasses

from attn.verify.cases import Case, stream
from attn.verify.proofs import holds, proof, same
from attn.verify.schemes import around

RELATIVE = (
    "alibi",
    "kerple",
    "kerple_power",
    "rope",
    "shaw",
    "shaw_values",
    "t5",
    "transformer_xl",
)


def _shift(case: Case) -> None:
    attention, query = around(case), stream(3, 7)
    later = dataclasses.replace(query, position=query.position + 90)
    same(attention(later).y, attention(query).y)
    apart = dataclasses.replace(query, position=query.position * 2)
    holds((attention(apart).y - attention(query).y).abs().max() > 1e-3, "distances do not count")


def _padded_before(case: Case) -> None:
    attention, behind = around(case), stream(3, 7, lengths=(5, 5, 5))
    before = dataclasses.replace(
        behind, x=behind.x.roll(2, 1), valid=behind.valid.roll(2, 1)
    )  # as in a batch whose sentences end together: all of them begin at other positions
    same(attention(before).y[:, 2:], attention(behind).y[:, :5])


for _name in RELATIVE:
    proof("position", _name, "moves within attention as a whole, distances counting")(_shift)
    proof("position", _name, "padding before a sentence is as padding behind it")(_padded_before)
