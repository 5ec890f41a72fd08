"""``attn average``: one checkpoint that is the mean of several."""

import shlex

from omegaconf import MISSING, DictConfig

from attn import assemble, runs
from attn.checking import is_count
from attn.checkpoint import Checkpoints
from attn.registry import ConfigError
from attn.weights import CheckpointError

PURPOSE = "average the weights of checkpoints of a run"
EXAMPLES = """
attn average run=outputs/multi30k last=10
attn average run=outputs/multi30k best=5
attn evaluate run=outputs/multi30k checkpoint=average
"""


def check(cfg: DictConfig) -> list[str]:
    """All problems: the run, and how many checkpoints are asked for."""
    asked = assemble.plain(cfg)
    given = {key: asked[key] for key in ("last", "best") if asked[key] is not None}
    found = [f"{key}={n}: must be at least 1" for key, n in given.items() if not is_count(n)]
    if len(given) != 1:
        found.append("last, best: give one of them, e.g. last=10")
    try:
        if asked["run"] != MISSING:
            folder = runs.find(str(asked["run"]))
            if not found:
                Checkpoints(folder / "checkpoints").to_average(**given)
    except ConfigError as error:
        found += error.problems
    except CheckpointError as error:
        found.append(str(error))
    return found


def run(cfg: DictConfig) -> None:
    """Write the average and say how it is used."""
    asked = assemble.plain(cfg)
    folder = runs.find(str(asked["run"]))
    kept = Checkpoints(folder / "checkpoints")
    path = kept.save_average(last=asked["last"], best=asked["best"])
    use = shlex.quote(f"run={folder}")
    print(f"{path}\n  score it: attn evaluate {use} checkpoint=average")  # noqa: T201
