"""``attn draw``: pictures of positions, of what attentions let see, of alignments."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from omegaconf import MISSING, DictConfig

from attn import assemble, registry, splits
from attn.checking import is_count, use_problems
from attn.contract import OUTSIDE, Attention, Place, Position, PositionKind, Role
from attn.files import output_problems
from attn.pictures import ALL, ENDINGS, MEAN, alignments, canvas, masks, positions, sentences
from attn.registry import ConfigError, as_yaml, suggest
from attn.roles import NONE, Roles, capabilities, kind_of, made_names
from attn.score.kernels import CUDA_ALONE
from attn.shapes import shapes_alone
from attn.trained import Trained
from attn.words import span

PURPOSE = "draw positions, what an attention lets each position see, or an alignment"
EXAMPLES = """
attn draw what=positions file=positions.png
attn draw what=mask attention=window attention.radius=3 role=encoder file=window.svg
attn draw what=alignment run=outputs/demo text='The dog sleeps.' file=alignment.png
attn draw what=alignment run=outputs/demo split=test sentence=3 head=all file=heads.png
"""

POSITIONS, MASK, ALIGNMENT = "positions", "mask", "alignment"
OF_RUN = (
    *("run", "checkpoint", "text", "split", "sentence", "root", "layer", "head"),
    *("search", "precision"),
)
USED = {
    POSITIONS: ("position", "length", "model"),
    MASK: ("attention", "role", "length", "model"),
    ALIGNMENT: OF_RUN,
}
OF_SENTENCE = {"text": ("search",), "split": ("sentence", "root")}  # where its words come from
EVERY = tuple(dict.fromkeys(key for keys in USED.values() for key in keys))
LENGTHS = {POSITIONS: 64, MASK: 16}
LONGEST, WIDEST = 1000, 4096
Asked = Mapping[str, Any]


def check(cfg: DictConfig) -> list[str]:
    """All problems: an unknown picture or file ending, and what that picture cannot be made of."""
    asked = assemble.plain(cfg)
    found = list(_file_problems(asked["file"])) if asked["file"] != MISSING else []
    what = asked["what"]
    if what == MISSING:
        return [*found, *_whatever_is_drawn(asked)]
    if what not in USED:
        return [f"what={as_yaml(what)}: unknown; {suggest(str(what), USED)}", *found]
    problems = {POSITIONS: _of_positions, MASK: _of_mask, ALIGNMENT: _of_alignment}[what]
    return [*problems(asked), *found]


def _whatever_is_drawn(asked: Asked) -> Iterator[str]:
    """What is wrong with options, as long as it is not known which of them are of use."""
    sizes = list(_size_problems(asked))
    if not sizes:
        yield from _built(lambda: _any_scheme(asked))
    if not (sizes or asked["attention"]["name"] == NONE):
        yield from _built(lambda: _attention({**asked, "role": None}))
    yield from [*sizes, *_choice_problems(asked)]
    yield from use_problems(asked["search"], asked["precision"])


def unused(cfg: DictConfig) -> dict[str, str]:
    """What is of no use to the picture that is asked for, and to which it would be."""
    asked = assemble.plain(cfg)
    used = USED.get(asked["what"], EVERY)
    found: dict[str, str] = {}
    for one, keys in OF_SENTENCE.items():
        found |= dict.fromkeys(keys, f"is of {one}=... alone") if asked[one] is None else {}
    return found | {
        key: f"is of {' and '.join(f'what={one}' for one in USED if key in USED[one])} alone"
        for key in EVERY
        if key not in used
    }


def run(cfg: DictConfig) -> None:
    """Draw and write."""
    asked = assemble.plain(cfg)
    path = Path(asked["file"])
    drawn = {POSITIONS: _positions, MASK: _mask, ALIGNMENT: _alignment}[asked["what"]]
    with canvas.style():
        canvas.save(drawn(asked), path)
    print(path)  # noqa: T201


def _file_problems(file: str | None) -> Iterator[str]:
    name = as_yaml(file)
    if not name.lower().endswith(ENDINGS):
        yield f"file={name}: must end with {' or '.join(ENDINGS)}"
    yield from output_problems("file", Path(name), folder=False)


def _length(asked: Asked) -> int:
    return int(asked["length"] or LENGTHS[asked["what"]])


def _size_problems(asked: Asked) -> Iterator[str]:
    sizes = {"length": (asked["length"], LONGEST)}
    sizes |= {f"model.{size}": (asked["model"][size], WIDEST) for size in ("dim", "heads")}
    for key, (value, most) in sizes.items():
        if value is not None and not (is_count(value) and value <= most):
            yield f"{key}={value}: must be a number from 1 to {most}"


def _choice_problems(asked: Asked) -> Iterator[str]:
    roles = [one.value for one in Role]
    if asked["role"] is not None and asked["role"] not in roles:
        yield f"role={asked['role']}: unknown; {suggest(str(asked['role']), roles)}"
    if not is_count(asked["sentence"]):
        yield f"sentence={asked['sentence']}: must be at least 1"
    for key in ("layer", "head"):
        if not (asked[key] in {ALL, MEAN} or _is_number(asked[key])):
            yield f"{key}={asked[key]}: must be all, mean, or a number from 0"


def _built(build: Callable[[], Any]) -> list[str]:
    """Why something cannot be built; no tensor is made."""
    try:
        with shapes_alone():
            build()
    except ConfigError as error:
        return error.problems
    except RuntimeError as error:
        return [f"what is to be drawn is too large for a tensor ({error})"]
    return []


# Positions


def _scheme(asked: Asked) -> Position:
    made: Any = assemble.part(asked, "position", "position", dim=asked["model"]["dim"])
    scheme: Position = made.eval()
    return scheme


def _any_scheme(asked: Asked) -> None:
    """Make the scheme, though it be of those that act within attentions."""
    dim, heads = asked["model"]["dim"], asked["model"]["heads"]
    within = {"role": Role.DECODER, "heads": heads, "head_dim": max(1, dim // heads)}
    inner = {} if kind_of(asked["position"]["name"]) in OUTSIDE else within
    assemble.part(asked, "position", "position", dim=dim, **inner)


def _of_positions(asked: Asked) -> list[str]:
    name = asked["position"]["name"]
    if kind_of(name) is not PositionKind.INPUT:
        able = [n for n in registry.names("position") if kind_of(n) is PositionKind.INPUT]
        return [
            f"position={name}: is not added to the embeddings, and has no matrix to be drawn; "
            f"choose one of {', '.join(able)}"
        ]
    return list(_size_problems(asked)) or _built(lambda: _scheme(asked)) or _room_problems(asked)


def _room_problems(asked: Asked) -> list[str]:
    room, length = _scheme(asked).room, _length(asked)
    if room is None or length <= room:
        return []
    return [f"length={length}: position={asked['position']['name']} knows {room} positions alone"]


def _positions(asked: Asked) -> Figure:
    torch.manual_seed(1)
    name, dim = asked["position"]["name"], asked["model"]["dim"]
    scheme = _scheme(asked)
    state = ", before training" if any(True for _ in scheme.parameters()) else ""  # type: ignore[attr-defined]
    return positions.draw(scheme, _length(asked), title=f"position={name}, width {dim}{state}")


# Masks


def _role(asked: Asked) -> Role:
    roles = capabilities(asked["attention"]["name"]).roles
    if asked["role"] is not None:
        return Role(asked["role"])
    return next(role for role in (Role.DECODER, *Role) if role in roles)


def _attention(asked: Asked) -> Attention:
    dim = asked["model"]["dim"]
    place = Place(_role(asked), dim, dim, dim)
    made: Attention = assemble.part(asked, "attention", "attention", place=place)
    return made


def _of_mask(asked: Asked) -> list[str]:
    name, role = asked["attention"]["name"], asked["role"]
    if name == NONE:
        return [f"attention={NONE}: makes nothing; choose one of {', '.join(made_names())}"]
    if wrong := list(_choice_problems(asked)):
        return wrong
    served = [one.value for one in Role if one in capabilities(name).roles]
    if role is not None and role not in served:
        able = ", ".join(served)
        return [f"role={role}: attention={name} does not serve it; choose one of {able}"]
    if asked["attention"].get("kernel") == "flex":
        return [f"attention.kernel=flex: {CUDA_ALONE}"]
    return list(_size_problems(asked)) or _built(lambda: _attention(asked))


def _mask(asked: Asked) -> Figure:
    torch.manual_seed(1)
    attention = masks.built(_attention(asked))
    title = f"attention={asked['attention']['name']} role={_role(asked).value}"
    return masks.draw(attention, asked["model"]["dim"], _length(asked), title=title)


# Alignments


def _of_alignment(asked: Asked) -> list[str]:
    if asked["run"] is None:
        return ["run: needs a value; write run=PATH"]
    found = Trained.problems(asked)
    if (asked["text"] is None) is (asked["split"] is None):
        found.append("text, split: give one of them, e.g. split=test sentence=3")
    if asked["split"] is not None:
        found += splits.problems(asked)
    found += _choice_problems(asked)
    if asked["layer"] == MEAN != asked["head"]:
        found.append(f"head={asked['head']}: layer=mean is the mean of all heads; leave it out")
    return found or _of_run(asked)


def _of_run(asked: Asked) -> list[str]:
    folder, config = Trained.config_of(asked)
    roles = Roles(config)
    layers = roles.layers(Role.CROSS)
    if not layers or any(section["name"] == NONE for _, section in layers):
        return [f"run={folder}: its model has no attention to the source, and so no alignment"]
    if _is_number(asked["layer"]) and asked["layer"] >= len(layers):
        return [f"layer={asked['layer']}: there is none; choose one of {span(len(layers))}"]
    return []


def _is_number(value: Any) -> bool:
    return is_count(value) or (value == 0 and not isinstance(value, bool))


def _alignment(asked: Asked) -> Figure:
    trained = Trained.of(asked)
    if asked["text"] is not None:
        text = " ".join(str(asked["text"]).splitlines())
        reading = sentences.of_text(trained.translator(), text, trained.search())
    else:
        corpus = splits.corpus_of(trained.config, asked["root"])
        pairs = assemble.read(corpus, splits.named(corpus, asked["split"]))
        number = asked["sentence"]
        if number > len(pairs):
            raise ConfigError([
                f"sentence={number}: split={asked['split']} has {len(pairs)} sentences"
            ])
        reading = sentences.of_pair(
            trained.translator(), pairs[number - 1], key=f"sentence={number}"
        )
    looked = reading.looked(Role.CROSS)
    return alignments.draw((looked, alignments.chosen(looked, asked["layer"], asked["head"])))
