"""Work by several threads that compute alone."""

import threading

import pytest
import torch

from attn.parallel import in_parallel


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_order_is_that_of_the_items(workers):
    assert in_parallel(lambda x: x * x, range(40), workers=workers) == [x * x for x in range(40)]


def test_each_computes_with_one_thread_and_leaves_the_others_their_number():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        both = threading.Barrier(2, timeout=60)
        assert in_parallel(
            lambda _: (both.wait(), torch.get_num_threads())[1], "ab", workers=2
        ) == [1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_what_one_raises_is_raised_and_the_rest_is_left():
    done = []

    def work(item):
        if item == 0:
            raise KeyError("no")
        done.append(item)

    with pytest.raises(KeyError, match="no"):
        in_parallel(work, range(10_000), workers=2)
    assert len(done) < 9_999
    assert in_parallel(work, [], workers=2) == []
