"""Of which steps a folder has checkpoints; to know that, torch is not needed."""

from pathlib import Path


def steps(folder: Path) -> list[int]:
    """The steps there are, rising."""
    names = (path.name.removeprefix("step-") for path in folder.glob("step-*"))
    return sorted(int(name) for name in names if name.isdecimal() and name == str(int(name)))
