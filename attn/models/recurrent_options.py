"""Options of models with recurrent layers that act nowhere, and why."""

from collections.abc import Mapping
from typing import Any

LAYERS = ("encoder_layers", "decoder_layers")


def idle(
    options: Mapping[str, Any], *, attends: bool, recurrent: tuple[str, ...] = LAYERS
) -> dict[str, str]:
    """The options that act nowhere, and why.

    ``attends``: whether the decoder has attention; ``recurrent``: the options that count layers
    which are recurrent.
    """
    found = {}
    if options.get("residual") and all(options[one] == 1 for one in recurrent):
        found["residual"] = f"acts from the second layer on; {_counted(recurrent)}"
    if "query" not in options:
        return found
    queried = options["query"] == "previous"
    if queried and not attends:
        found["query"] = "there is no attention to ask"
    feeds = options["input_feeding"] or options["feed_source"] or (queried and attends)
    if options["fed_layers"] == "all" and not feeds:
        found["fed_layers"] = (
            "nothing is fed; set input_feeding=true, feed_source=true or, with attention, "
            "query=previous"
        )
    elif options["fed_layers"] == "all" and options["decoder_layers"] == 1:
        found["fed_layers"] = "the first layer is all there are; decoder_layers=1"
    return found


def _counted(recurrent: tuple[str, ...]) -> str:
    return " and ".join(f"{one}=1" for one in recurrent)
