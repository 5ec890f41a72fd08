"""The chunked scan is the recurrence, whatever the chunks and the state before."""

import pytest
import torch

from attn.scan import scan

TIME = 11
DECAYS = {
    "none": None,
    "by head": -torch.tensor([0.1, 0.5, 2.0]).double()[None, :, None].expand(1, 3, TIME),
    "by step": -torch.rand(2, 3, TIME, generator=torch.Generator().manual_seed(3)).double() * 2,
    "a hard forgetting": -1e3 * torch.eye(TIME).double()[5].expand(2, 3, TIME),
}


def tokens(dtype=torch.float64, time=TIME):
    generator = torch.Generator().manual_seed(7)
    sizes = ((2, 3, time, 5), (2, 3, time, 5), (2, 3, time, 4), (2, 3, 5, 4))
    return [torch.randn(size, generator=generator, dtype=torch.float64).to(dtype) for size in sizes]


def recurrence(q, k, v, total, decay):
    y = []
    for i in range(q.shape[2]):
        if decay is not None:
            total = total * decay[:, :, i, None, None].exp()
        total = total + k[:, :, i, :, None] * v[:, :, i, None, :]
        y.append((q[:, :, i, None, :] @ total)[:, :, 0])
    return torch.stack(y, 2), total


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 10, 11, 64])
@pytest.mark.parametrize("decay", DECAYS.values(), ids=DECAYS)
class TestScan:
    def test_it_is_the_recurrence(self, chunk, decay):
        q, k, v, total = tokens()
        for given in (total, torch.zeros_like(total)):
            y, after = scan(q, k, v, given, decay=decay, chunk=chunk)
            expected, last = recurrence(q, k, v, given, decay)
            assert torch.allclose(y, expected, atol=1e-12)
            assert torch.allclose(after, last, atol=1e-12)
        y, after = scan(q, k, v, decay=decay, chunk=chunk)
        assert after is None
        assert torch.allclose(y, expected, atol=1e-12)

    def test_so_are_its_gradients(self, chunk, decay):
        leaves = [x.requires_grad_() for x in tokens()]

        def gradients(y, after):
            return torch.autograd.grad(y.square().sum() + after.sin().sum(), leaves)

        ours = gradients(*scan(*leaves, decay=decay, chunk=chunk))
        theirs = gradients(*recurrence(*leaves, decay))
        for one, other in zip(ours, theirs, strict=True):
            assert torch.allclose(one, other, atol=1e-10)

    def test_it_can_be_gone_on_with(self, chunk, decay):
        q, k, v, total = tokens()
        whole, last = scan(q, k, v, total, decay=decay, chunk=chunk)
        parts = []
        for span in (slice(0, 1), slice(1, 8), slice(8, TIME)):
            part = None if decay is None else decay[:, :, span]
            y, total = scan(*(x[:, :, span] for x in (q, k, v)), total, decay=part, chunk=chunk)
            parts.append(y)
        assert torch.allclose(torch.cat(parts, 2), whole, atol=1e-12)
        assert torch.allclose(total, last, atol=1e-12)

    @torch.no_grad()
    def test_without_gradients_the_last_sum_takes_the_place_of_the_first(self, chunk, decay):
        q, k, v, total = tokens()
        expected, last = recurrence(q, k, v, total, decay)
        y, after = scan(q, k, v, total, decay=decay, chunk=chunk)
        assert torch.allclose(y, expected, atol=1e-12)
        assert torch.allclose(after, last, atol=1e-12)
        assert (after.data_ptr() == total.data_ptr()) == (chunk >= TIME)


@pytest.mark.parametrize("chunk", [1, 16, 4096])
def test_sums_of_many_tokens_stay_exact_in_short_formats(chunk):
    ones = torch.ones(1, 1, 4096, 1, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        y, after = scan(ones, ones, ones, torch.zeros(1, 1, 1, 1), chunk=chunk)
    assert y.dtype == after.dtype == torch.float32
    assert (y[0, 0, -1], after) == (4096, 4096)
