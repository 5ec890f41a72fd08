"""Models learn what can be learned, from raw text to a score."""

import pytest

from attn import results, runs
from attn.cli import main


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_a_small_model_learns_a_task_of_order(tmp_path, task):
    """BLEU 95 on sequences that it never saw, after some minutes."""
    options = [
        f"dataset={task}",
        "dataset.max_length=8",
        "tokenizer=words",
        "model=tiny",
        "model.encoder_layers=2",
        "model.decoder_layers=2",
        "model.dim=64",
        "model.norm=pre",
        "model.dropout=0.1",
        "optimizer.learning_rate=0.003",
        "schedule=cosine",
        "schedule.warmup=100",
        "trainer.steps=1500",
        "trainer.evaluate_every=500",
        "batches.tokens=1024",
        "batches.max_length=64",
        f"output={tmp_path}",
    ]
    assert main(["train", *options]) == 0
    assert main(["evaluate", f"run={tmp_path}", "samples=0"]) == 0
    (scores,) = results.load_scores(runs.find(str(tmp_path)))["test"].values()
    assert scores["BLEU"]["score"] >= 95
