"""Options of models with recurrent layers that act nowhere are told, and those that act are not."""

import pytest
from direct import composed
from test_checking import said

from attn import assemble, vain

ALONE = "acts from the second layer on; "
NOTHING = (
    "nothing is fed; set input_feeding=true, feed_source=true or, with attention, query=previous"
)
FIRST = "the first layer is all there are; decoder_layers=1"
ONE = ["model.encoder_layers=1", "model.decoder_layers=1"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["attention=none", "model.query=previous"], {"query": "there is no attention to ask"}),
        (["model.query=previous"], {}),
        (["attention=none", "model.fed_layers=all"], {"fed_layers": NOTHING}),
        (["model.fed_layers=all"], {"fed_layers": NOTHING}),
        (["attention=none", "model.query=previous", "model.fed_layers=all"],
         {"query": "there is no attention to ask", "fed_layers": NOTHING}),
        (["model.fed_layers=all", "model.query=previous"], {}),
        (["model.fed_layers=all", "model.input_feeding=true"], {}),
        (["model.fed_layers=all", "model.feed_source=true", "attention=none"], {}),
        (["model.fed_layers=all", "model.input_feeding=true", *ONE], {"fed_layers": FIRST}),
        (["model.residual=true"], {}),
        (["model.residual=true", ONE[0], "model.bridge=mean"], {}),
        (["model.residual=true", *ONE],
         {"residual": f"{ALONE}encoder_layers=1 and decoder_layers=1"}),
        (["model=recurrent_transformer", "model.residual=true", ONE[0]],
         {"residual": f"{ALONE}encoder_layers=1"}),
        (["model=transformer_recurrent", "model.residual=true", ONE[1]],
         {"residual": f"{ALONE}decoder_layers=1"}),
        (["model=transformer_recurrent", "model.residual=true", ONE[0]], {}),
        (["model=tiny"], {}),
    ],
)  # fmt: skip
def test_what_acts_nowhere(arguments, expected):
    config = assemble.plain(composed("train", ("model=recurrent", *arguments)))
    found = {key: why for key, why in vain.unused(config).items() if "model." in key}
    found.pop("model.heads", None)  # without attention
    assert found == {f"model.{option}": why for option, why in expected.items()}


@pytest.mark.long
def test_it_is_told_as_it_was_typed():
    options = ["attention=none", "model.query=previous", "model.output=plain"]
    assert said("model=recurrent", *options) == [
        "model.query=previous: there is no attention to ask"
    ]
    assert said("model=bahdanau", "attention=none") == []  # the preset's own parts may be swapped
