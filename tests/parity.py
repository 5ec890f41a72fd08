"""Outside packages that ours is compared with; see parity.txt."""

import importlib

import pytest


def needs(name):
    """The package, or a test that is skipped."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return pytest.skip(f"needs {name}: run `make parity`")
