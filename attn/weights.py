"""The weights of a model by name, out of it and into it."""

from collections.abc import Mapping

from torch import Tensor, nn

from attn.registry import RunError

Weights = dict[str, Tensor]


class CheckpointError(RunError):
    """A checkpoint that is missing, not as it was written, or of another model."""


def weights_of(model: nn.Module) -> Weights:
    """The weights by name, on the CPU; what has several names is there under the first alone."""
    seen = set()
    weights = {}
    for name, tensor in model.state_dict().items():
        place = (tensor.data_ptr(), tensor.shape, tensor.stride())
        if place not in seen:
            seen.add(place)
            weights[name] = tensor.cpu().contiguous()
    return weights


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put weights into a model of the same shape; what is tied in it stays tied.

    Raises:
        CheckpointError: names or shapes that differ.
    """
    check_fit(weights, weights_of(model), "the weights do not fit the model")
    model.load_state_dict(dict(weights), strict=False)


def check_fit(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], complaint: str) -> None:
    """Compare names and shapes.

    Raises:
        CheckpointError: some differ; says which.
    """
    differing = [f"{name} is missing" for name in sorted(wanted.keys() - given.keys())]
    differing += [f"{name} has no place" for name in sorted(given.keys() - wanted.keys())]
    differing += [
        f"{name} is {tuple(given[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in sorted(given.keys() & wanted.keys())
        if given[name].shape != wanted[name].shape
    ]
    if differing:
        raise CheckpointError(f"{complaint}: {'; '.join(differing)}")
