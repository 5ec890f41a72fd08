"""Softmax with one more in its denominator, beside torch's own."""

import torch
from builders import build_attention, stream
from torch import nn

from attn.contract import Role


def test_softmax_one_is_the_zero_key_of_torch():
    ours = build_attention("softmax_one", Role.ENCODER)
    theirs = nn.MultiheadAttention(12, 3, bias=False, add_zero_attn=True, batch_first=True)
    theirs = theirs.double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.projections.joint.weight)
        theirs.out_proj.weight.copy_(ours.projections.out.weight)
    query = stream(2, 7, lengths=[7, 4])
    y, weights = theirs(
        query.x, query.x, query.x, key_padding_mask=~query.valid, average_attn_weights=False
    )
    output = ours(query, capture=True)
    assert torch.allclose(output.y, y, atol=1e-12)
    assert torch.allclose(output.weights.double(), weights[..., :-1], atol=1e-6)


def test_the_zero_of_softmax_one_is_no_weight_of_the_model():
    built = build_attention("softmax_one", Role.ENCODER)
    assert not [name for name in built.state_dict() if "normaliser" in name]
    assert "core.normaliser.scores" in build_attention("sink", Role.ENCODER).state_dict()
