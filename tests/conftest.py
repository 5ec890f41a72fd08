"""What all tests share."""

import shaped  # noqa: F401 - before anything of the program

# isort: split

import gc
import os

import jaxtyping
import pytest
import torch
from fakes import fake, refuses  # noqa: F401 - fixtures
from hypothesis import settings

from attn.parallel import in_parallel

torch.set_num_threads(1)
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory):
    """Tokenizers are not kept beyond the tests."""
    os.environ["ATTN_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True, scope="session")
def few_collections():
    """What is imported stays: to look for garbage in it takes a tenth of the time of all tests."""
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.fixture(autouse=True)
def torch_seed():
    """Every test draws the same numbers, in whatever order tests run."""
    torch.manual_seed(1)


@pytest.fixture(scope="module")
def unchecked():
    """Shapes and types are not checked, which takes most of the time of a small model's work.

    For modules that do again and again, often, what others do once with all checks.
    """
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def dealt(monkeypatch):
    """How many batches the workers were given, each time; few sentences are dealt out too."""
    counts = []

    def counting(work, items, *, workers):
        counts.append(len(items))
        return in_parallel(work, items, workers=workers)

    monkeypatch.setattr("attn.batching.FEW", 8)
    monkeypatch.setattr("attn.translation.in_parallel", counting)
    return counts
