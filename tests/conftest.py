"""What all tests share."""

import os

import pytest
import torch
from fakes import fake, refuses  # noqa: F401 - fixtures
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory):
    """Tokenizers are not kept beyond the tests."""
    os.environ["ATTN_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def torch_seed():
    """Every test draws the same numbers, in whatever order tests run."""
    torch.manual_seed(1)
