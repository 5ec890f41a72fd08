"""Outside packages that ours is compared with; see parity.txt."""

import importlib
import warnings

import pytest


def needs(name):
    """The package, or a test that is skipped."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what others warn of while imported is theirs
            return importlib.import_module(name)
    except ImportError:
        return pytest.skip(f"needs {name}: run `make parity`")
