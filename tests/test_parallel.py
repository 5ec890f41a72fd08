"""Work by several processes that compute alone."""

import multiprocessing
import os

import pytest
import torch

from attn import parallel
from attn.parallel import in_parallel
from attn.registry import RunError


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_order_is_that_of_the_items(workers):
    assert in_parallel(lambda x: x * x, range(40), workers=workers) == [x * x for x in range(40)]


def test_each_computes_with_one_thread_in_a_process_of_its_own():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        made = in_parallel(lambda _: (os.getpid(), torch.get_num_threads()), range(8), workers=2)
        assert {threads for _, threads in made} == {1}
        assert os.getpid() not in {process for process, _ in made}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_what_one_raises_is_raised():
    def work(item):
        if item == 7:
            raise RunError("no")
        return item

    with pytest.raises(RunError, match="no"):
        in_parallel(work, range(10), workers=2)
    assert in_parallel(work, [], workers=2) == []
    assert not multiprocessing.active_children()


def test_within_a_worker_and_where_there_is_no_fork_it_works_alone(monkeypatch):
    def inner(_):
        return in_parallel(lambda x: (x, os.getpid()), range(3), workers=3)

    for made in in_parallel(inner, range(2), workers=2):
        assert [x for x, _ in made] == [0, 1, 2]
        assert len({process for _, process in made}) == 1
    monkeypatch.setattr(parallel, "CAN_FORK", False)
    assert in_parallel(lambda _: os.getpid(), "ab", workers=2) == [os.getpid()] * 2
