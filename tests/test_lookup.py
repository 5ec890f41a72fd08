"""Attention as soft lookup."""

import torch

from attn.attention import lookup
from attn.attention.softmax import SoftmaxAttention
from attn.contract import Place, Role
from attn.score.core import Core
from attn.score.scores import Dot
from attn.verify import stream


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def test_it_is_the_core_of_softmax_attention():
    query, keys, values = drawn(2, 3, 5, 7), drawn(2, 3, 11, 7), drawn(2, 3, 11, 13)
    core = Core(score=Dot(7**-0.5), dropout=0.0, kernel="explicit")
    everything = torch.ones(2, 1, 5, 11, dtype=torch.bool)
    torch.testing.assert_close(
        lookup(query, keys, values), core(query, keys, values, everything), rtol=0, atol=1e-14
    )


def test_it_is_softmax_attention_between_projections():
    attention = SoftmaxAttention(Place(Role.ENCODER, 12, 12, 12), heads=1).double()
    tokens = stream(2, 5, 12)
    query, keys, values = attention.projections.all_of(tokens.x)
    mixed = attention.projections.join(lookup(query, keys, values))
    torch.testing.assert_close(attention(tokens).y, mixed, rtol=0, atol=1e-14)


def test_it_is_what_torch_computes():
    query, keys, values = drawn(2, 5, 7), drawn(2, 11, 7), drawn(2, 11, 3)
    theirs = torch.nn.functional.scaled_dot_product_attention(query, keys, values)
    torch.testing.assert_close(lookup(query, keys, values), theirs, rtol=0, atol=1e-14)


def test_sharp_keys_make_it_a_dictionary():
    keys, values, asked = torch.eye(5, dtype=torch.float64), drawn(5, 3), [4, 0, 2]
    errors = [
        (lookup(sharp * keys[asked], sharp * keys, values) - values[asked]).abs().max()
        for sharp in (1, 3, 10, 100)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0


def test_keys_that_are_all_alike_give_the_mean():
    values = drawn(11, 3)
    found = lookup(drawn(5, 7), drawn(1, 7).expand(11, 7), values)
    torch.testing.assert_close(found, values.mean(0).expand(5, 3))


def test_one_hot_values_give_the_shares():
    query, keys, values = drawn(5, 7), drawn(11, 7), drawn(11, 3)
    shares = lookup(query, keys, torch.eye(11, dtype=torch.float64))
    torch.testing.assert_close(shares.sum(-1), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(shares @ values, lookup(query, keys, values))
    assert torch.equal(shares.argmax(-1), (query @ keys.T).argmax(-1))


def test_the_order_of_the_keys_does_not_matter():
    query, keys, values, order = drawn(5, 7), drawn(11, 7), drawn(11, 3), torch.randperm(11)
    torch.testing.assert_close(
        lookup(query, keys[order], values[order]), lookup(query, keys, values)
    )


def test_its_gradients_are_right():
    given = [drawn(2, 3).requires_grad_(), drawn(5, 3).requires_grad_(), drawn(5, 2)]
    assert torch.autograd.gradcheck(lookup, (*given[:2], given[2].requires_grad_()))
