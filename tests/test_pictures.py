"""What pictures show is true, and all of it is on them."""

import re

import pytest
import torch
from builders import build_attention

from attn import positions, registry, tokenizers  # noqa: F401 - registers
from attn.alignment import words
from attn.contract import Role
from attn.pictures import alignments, canvas, masks
from attn.pictures import positions as matrices
from attn.pictures.sentences import LABELS, Looked
from attn.registry import ConfigError, find, option_types
from attn.roles import capabilities, made_names

T = 7
CAUSAL = torch.ones(T, T, dtype=torch.bool).tril()
BESIDE = (torch.arange(T)[:, None] - torch.arange(T)).abs()
SELF = [
    (name, role)
    for name in made_names()
    for role in (Role.ENCODER, Role.DECODER)
    if role in capabilities(name).roles
]


def seen(name, role, **options):
    return masks.seen(build_attention(name, role, **options), 12, T)


# Masks


@pytest.mark.parametrize(("name", "role"), SELF)
def test_a_decoder_sees_the_past_and_an_encoder_all(name, role):
    found, weights = seen(name, role)
    near = registry.option_types(registry.find("attention", name)).keys() & {
        "radius", "kernel_size",
    }  # fmt: skip
    assert (near and role is Role.ENCODER) or torch.equal(
        found, CAUSAL if role is Role.DECODER else torch.ones_like(CAUSAL)
    )
    assert torch.equal(weights[~found], torch.zeros_like(weights[~found]))


@pytest.mark.parametrize(
    ("name", "role", "options", "expected"),
    [
        ("window", Role.ENCODER, {"radius": 2}, BESIDE <= 2),
        ("window", Role.DECODER, {"radius": 2}, (BESIDE <= 2) & CAUSAL),
        ("lightconv", Role.ENCODER, {"kernel_size": 3}, BESIDE <= 1),
        ("dynconv", Role.DECODER, {"kernel_size": 3}, (BESIDE <= 2) & CAUSAL),
        ("local_m", Role.CROSS, {"radius": 1}, BESIDE <= 1),
        ("softmax", Role.CROSS, {}, BESIDE >= 0),
        ("location", Role.CROSS, {}, BESIDE >= 0),
    ],
)
def test_what_lies_beyond_is_not_seen(name, role, options, expected):
    assert torch.equal(seen(name, role, **options)[0], expected)


def test_global_tokens_see_all_and_are_seen_by_all():
    found, _ = seen("window", Role.ENCODER, radius=1, global_tokens=1)
    expected = BESIDE <= 1
    expected[0] = expected[:, 0] = True
    assert torch.equal(found, expected)


def test_a_mask_in_grey_and_colour():
    figure = masks.draw(build_attention("softmax", Role.DECODER), 12, T, title="a title")
    axes, scale = figure.axes
    shown = axes.images[0].get_array()
    assert torch.equal(torch.tensor(~shown.mask), CAUSAL)
    assert axes.get_title() == "a title"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("position that is seen", "position")
    assert scale.get_ylabel() == "mean weight; grey: cannot be seen"
    cross = masks.draw(build_attention("softmax", Role.CROSS), 12, T, title="").axes[0]
    assert cross.get_xlabel() == "position of the source"


# Positions


def test_inner_products_of_sinusoids_depend_on_distance_alone():
    scheme = registry.build("position", {"name": "sinusoidal"}, dim=12)
    vectors, products = matrices.encodings(scheme, T)
    assert vectors.shape == (T, 12)
    for distance in range(T):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    assert products.diagonal().allclose(torch.tensor(6.0))


def test_positions_by_dimensions_and_by_positions():
    scheme = registry.build("position", {"name": "learned"}, dim=12)
    figure = matrices.draw(scheme, T, title="a title")
    left, right, *scales = figure.axes
    assert figure.get_suptitle() == "a title"
    assert left.get_title() == "what is added to the embeddings, P"
    assert (left.get_xlabel(), left.get_ylabel()) == ("dimension", "position")
    assert left.images[0].get_array().shape == (T, 12)
    assert right.get_title() == "inner products, P Pᵀ"
    assert (right.get_xlabel(), right.get_ylabel()) == ("position", "position")
    assert right.images[0].get_array().shape == (T, T)
    assert [scale.get_ylabel() for scale in scales] == ["value", "inner product"]


# Alignments


def looked(heads=2, gold=()):
    weights = torch.rand(2, heads, 2, 3)
    return Looked(("a", "b", "</s>"), ("c", "</s>"), tuple(weights), gold)


def test_layers_and_heads_are_shown_or_averaged():
    one = looked()
    ((first, second),) = alignments.chosen(one, "all", "mean")
    assert (first[0], second[0]) == ("layer 0, mean of 2 heads", "layer 1, mean of 2 heads")
    assert torch.equal(second[1], one.layers[1].mean(0))
    (lone,) = alignments.chosen(one, 1, 0)
    assert lone[0][0] == "layer 1, head 0"
    assert torch.equal(lone[0][1], one.layers[1][0])
    rows = alignments.chosen(one, "all", "all")
    assert [[panel.title for panel in row] for row in rows] == [
        ["layer 0, head 0", "layer 0, head 1"], ["layer 1, head 0", "layer 1, head 1"],
    ]  # fmt: skip
    (((title, mean, _),),) = alignments.chosen(one, "mean", "mean")
    assert title == "mean of 2 layers and their heads"
    torch.testing.assert_close(mean, torch.cat(one.layers).mean(0))
    assert alignments.chosen(looked(heads=1), 0, "mean")[0][0][0] == "layer 0"


def test_a_head_that_is_not_there():
    with pytest.raises(ConfigError) as raised:
        alignments.chosen(looked(), 1, 2)
    assert raised.value.problems == ["head=2: layer 1 has none of that number, but 2"]
    with pytest.raises(ConfigError) as raised:
        alignments.chosen(looked(), 2, "mean")
    assert raised.value.problems == ["layer=2: there is none; choose one of 0-1"]


def test_a_difference_has_colours_of_its_own_around_zero():
    one = looked()
    apart = alignments.Panel("difference", torch.tensor([[0.5, -0.2, 0.0]] * 2), apart=True)
    figure = alignments.draw((one, [[*alignments.chosen(one, "mean", "mean")[0], apart]]))
    weights, difference, *scales = figure.axes
    assert weights.images[0].get_clim()[0] == 0
    assert difference.images[0].get_clim() == (-0.5, 0.5)
    assert [scale.get_ylabel() for scale in scales] == ["weight", "difference"]


def test_gold_is_framed_around_the_pieces_of_words():
    one = looked(gold=((range(1), range(2)),))
    figure = alignments.draw((one, alignments.chosen(one, 0, "mean")))
    axes, scale = figure.axes
    (frame,) = axes.patches
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((-0.5, -0.5), 2, 1)
    assert scale.get_ylabel() == "weight; framed: gold alignment"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "</s>"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("source: looked at", "target: said")
    assert LABELS[Role.ENCODER] == ("source: looked at", "source: looks")
    assert LABELS[Role.DECODER] == ("target: looked at", "target: said")


def test_more_panels_than_fit_into_a_row_leave_no_frame_behind():
    one = Looked(("a",), ("b",), tuple(torch.rand(4, 1, 1, 1)))
    figure = alignments.draw((one, alignments.chosen(one, "all", "mean")))
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2 + [True]


@pytest.mark.parametrize("name", ["words", "characters", "bytes", "bpe", "unigram"])
def test_the_pieces_of_each_word(name):
    options = {"size": 280} if name in {"bpe", "unigram"} else {}
    tokenizer = registry.build("tokenizer", {"name": name, **options})
    text = "the cats see the cattle"
    tokenizer.train([text, "a cat sees that", "the cat"])
    ids = tokenizer.encode(text)
    found = words(tokenizer, ids, text)
    assert [tokenizer.decode(ids[one.start : one.stop]).strip() for one in found] == text.split()
    assert [place for one in found for place in one] == list(range(len(ids)))


def test_pieces_that_do_not_tell_the_words():
    tokenizer = registry.build("tokenizer", {"name": "bytes"})
    ids = tokenizer.encode("one word")
    assert words(tokenizer, ids, "these are three") is None


# Files


def drawn(labels, path):
    with canvas.style():
        figure, (axes,) = canvas.panels(1, 1, width=2.0, height=2.0)
        canvas.heat(axes, torch.rand(1, len(labels)), title="", labels=("columns", "rows"))
        canvas.name_places(axes, labels, ["a row with a very long name indeed"])
        canvas.save(figure, path)
    return figure


def test_labels_are_taken_literally(tmp_path):
    figure = drawn(["$5$", "_{", " ", "\u2581a"], tmp_path / "a.png")
    (axes,) = figure.axes
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert shown == ["$5$", "_{", "\N{OPEN BOX}", "\u2581a"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_no_label_is_cut_off(tmp_path):
    figure = drawn(["a word that is long"] * 3, tmp_path / "a.svg")
    width, height = map(float, re.search(
        r'viewBox="0 0 ([\d.]+) ([\d.]+)"', (tmp_path / "a.svg").read_text()
    ).groups())  # fmt: skip
    needed = figure.get_tightbbox()
    assert width >= 72 * needed.width
    assert height >= 72 * needed.height


@pytest.mark.parametrize("form", ["png", "svg"])
def test_the_same_picture_is_the_same_file(tmp_path, form):
    for name in ("a", "b"):
        torch.manual_seed(1)
        drawn(["a", "b"], tmp_path / f"{name}.{form}")
    assert (tmp_path / f"a.{form}").read_bytes() == (tmp_path / f"b.{form}").read_bytes()


def test_letters_that_the_font_lacks_are_told(tmp_path, capsys):
    drawn(["猫"], tmp_path / "a.png")
    assert capsys.readouterr().err == (
        f"{tmp_path}/a.png: the font lacks some of the letters, which stand as boxes\n"
    )


@pytest.mark.parametrize(
    ("name", "role", "expected"),
    [
        ("softmax", Role.DECODER, "cannot be seen"),
        ("window", Role.ENCODER, "cannot be seen"),
        ("local_m", Role.CROSS, "cannot be seen"),
        ("local_p", Role.CROSS, "not seen in 64 random inputs"),
        ("sparsemax", Role.ENCODER, "not seen in 64 random inputs"),
    ],
)
def test_a_mask_says_whether_grey_is_never_seen_or_was_not(name, role, expected):
    options = {"radius": 1} if "radius" in option_types(find("attention", name)) else {}
    figure = masks.draw(build_attention(name, role, **options), 12, T, title="")
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert f"mean weight; grey: {expected}" in labels
