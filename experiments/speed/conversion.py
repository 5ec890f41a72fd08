"""The weights of a run's Transformer in the names of others; biases that it lacks are zero."""

from typing import Any

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]
POSITIONS = 1024  # that others know


def table(ours: Any) -> Tensor:
    """The vectors that a model adds at each position."""
    vectors: Tensor = ours.source_position(torch.arange(POSITIONS)[None])[0]
    return vectors


def opennmt_weights(ours: Any) -> Weights:
    """A model's weights in the names of OpenNMT-py, which CTranslate2 reads too."""
    weights = {"generator.weight": ours.output_weight}
    weights["generator.bias"] = torch.zeros(len(ours.output_weight))
    for side, layers in (("encoder", "transformer"), ("decoder", "transformer_layers")):
        embeddings = f"{side}.embeddings.make_embedding"
        weights[f"{embeddings}.emb_luts.0.weight"] = ours.target_embedding.weight
        weights[f"{embeddings}.pe.pe"] = table(ours)[:, None]
        weights |= _named(f"{side}.layer_norm", getattr(ours, f"{side}_norm"))
        for number, layer in enumerate(getattr(ours, side)):
            weights |= _opennmt_layer(f"{side}.{layers}.{number}", layer)
    return {name: weight.detach() for name, weight in weights.items()}


def torch_weights(ours: Any) -> Weights:
    """A model's weights in the names of ``torch.nn.Transformer``."""
    weights: Weights = {}
    for side in ("encoder", "decoder"):
        weights |= _named(f"{side}.norm", getattr(ours, f"{side}_norm"))
        for number, layer in enumerate(getattr(ours, side)):
            weights |= _torch_layer(f"{side}.layers.{number}", layer)
    return {name: weight.detach() for name, weight in weights.items()}


def _opennmt_layer(name: str, layer: Any) -> Weights:
    weights: Weights = {}
    attentions, norms = {"self_attn": layer.attention}, ["layer_norm"]
    if hasattr(layer, "cross"):
        attentions["context_attn"], norms = layer.cross, ["layer_norm_1", "layer_norm_2"]
    for part, attention in attentions.items():
        split = zip(("query", "keys", "values"), _joint(attention).chunk(3), strict=True)
        weights |= {f"{name}.{part}.linear_{one}.weight": weight for one, weight in split}
        weights |= _named(f"{name}.{part}.final_linear", attention.projections.out)
    for part, residual in zip([*norms, "feed_forward.layer_norm"], layer.residuals, strict=True):
        weights |= _named(f"{name}.{part}", residual.norm)
    weights |= _named(f"{name}.feed_forward.w_1", layer.feedforward.inner)
    return weights | _named(f"{name}.feed_forward.w_2", layer.feedforward.outer)


def _torch_layer(name: str, layer: Any) -> Weights:
    weights: Weights = {}
    attentions = {"self_attn": layer.attention}
    if hasattr(layer, "cross"):
        attentions["multihead_attn"] = layer.cross
    for part, attention in attentions.items():
        maps, out = _joint(attention), attention.projections.out
        weights[f"{name}.{part}.in_proj_weight"] = maps
        weights[f"{name}.{part}.in_proj_bias"] = torch.zeros(len(maps))
        weights[f"{name}.{part}.out_proj.weight"] = out.weight
        weights[f"{name}.{part}.out_proj.bias"] = torch.zeros(len(out.weight))
    for place, residual in enumerate(layer.residuals, 1):
        weights |= _named(f"{name}.norm{place}", residual.norm)
    weights |= _named(f"{name}.linear1", layer.feedforward.inner)
    return weights | _named(f"{name}.linear2", layer.feedforward.outer)


def _joint(attention: Any) -> Tensor:
    """The maps to queries, keys and values, in this order."""
    maps = attention.projections
    linears = [maps.joint] if hasattr(maps, "joint") else [maps.query, maps.key_value]
    return torch.cat([linear.weight for linear in linears])


def _named(name: str, module: nn.Module) -> Weights:
    return {f"{name}.{key}": tensor for key, tensor in module.state_dict().items()}
