"""What all tests share."""

import pytest
import torch
from fakes import fake, refuses  # noqa: F401 - fixtures

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def torch_seed():
    """Every test draws the same numbers, in whatever order tests run."""
    torch.manual_seed(1)
