"""Prints how many parameters the rows of the paper's table 3 have here, beside the paper's own.

.venv/bin/python experiments/table3/sizes.py
"""

import sys

import torch
from hydra import compose, initialize_config_module

from attn import assemble
from attn.tables import markdown

# Millions of parameters, Vaswani et al. 2017, table 3.
PAPER = {
    "base": 65, "a_h1": 65, "a_h4": 65, "a_h16": 65, "a_h32": 65, "b_k16": 58, "b_k32": 60,
    "c_n2": 36, "c_n4": 50, "c_n8": 80, "c_d256": 28, "c_d1024": 168, "c_ff1024": 53,
    "c_ff4096": 90, "d_drop0": 65, "d_drop2": 65, "d_smooth0": 65, "d_smooth2": 65,
    "e_learned": 65, "big": 213,
}  # fmt: skip


def millions(row: str) -> float:
    """The parameters of an experiment ``table3_ROW``; no weight is made."""
    with initialize_config_module("attn.conf", version_base="1.3"):
        config = assemble.plain(compose("train", [f"experiment=table3_{row}"]))
    size = config["tokenizer"]["size"]
    with torch.device("meta"):
        model = assemble.model(config, source_size=size, target_size=size)
    return sum(weight.numel() for weight in model.parameters()) / 1e6


def main() -> None:
    """Print the table."""
    here = {row: millions(row) for row in PAPER}
    rows = [
        [
            f"table3_{row}",
            f"{here[row]:.1f}",
            str(paper),
            f"{here[row] - here['base']:+.1f}",
            f"{paper - PAPER['base']:+d}",
        ]
        for row, paper in PAPER.items()
    ]
    header = ["experiment", "millions here", "paper", "from base here", "from base, paper"]
    sys.stdout.write(markdown(header, rows))


if __name__ == "__main__":
    main()
