"""The page of attention maps: what it holds, and what a reader does with it in a browser."""

import base64
import json
import re
import zlib

import browser
import pytest
import torch

from attn.contract import Role
from attn.pictures import maps
from attn.pictures.maps import STEPS, Shown
from attn.pictures.sentences import Reading

TRANSFORMER = {
    "model": {"name": "transformer", "encoder_layers": 2, "decoder_layers": 2},
    "attention": {"name": "softmax"},
    "attention_elsewhere": {"name": "softmax"},
}
RECURRENT = {
    "model": {"name": "recurrent"},
    "attention": {"name": "additive"},
    "attention_elsewhere": {"name": "softmax"},
}
TEXTS = ("The dog sleeps.", "Der Hund schläft.")
GOLD = ((0, 0), (1, 1), (2, 2))


def rows(*shape):
    return torch.randn(*shape).mul(3).softmax(-1)


def of_words(heads=2):
    """A Transformer that reads whole words."""
    source, target = ("The", "dog", "sleeps.", "</s>"), ("Der", "Hund", "schläft.", "</s>")
    kinds = [f"{role.value}.{layer}" for role in Role for layer in (0, 1)]
    words = [range(place, place + 1) for place in range(3)]
    weights = {name: rows(heads, 4, 4) for name in kinds}
    return Reading(source, target, ("<s>", *target[:-1]), TEXTS, (words, words), weights, GOLD)


def of_pieces():
    """A recurrent model that reads pieces of words."""
    source, target = ("The", "do", "g", "sleeps.", "</s>"), ("Der", "Hun", "d", "schläft.", "</s>")
    words = [range(1), range(1, 3), range(3, 4)]
    weights = {"cross.0": rows(1, 5, 5)}
    return Reading(source, target, ("<s>", *target[:-1]), TEXTS, (words, words), weights, GOLD)


def shown(name, config, *readings):
    return Shown(name, f"outputs/{name}", config, readings)


def held(page):
    packed = re.search(r'id="packed-data">([^<]*)<', page)[1]
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def test_weights_on_the_page_are_those_of_the_model_and_rows_sum_to_one():
    reading = of_words()
    data = held(maps.write("t", ["one"], [shown("A", TRANSFORMER, reading)]))
    for name, kept in data["sentences"][0]["readings"][0]["maps"].items():
        values = torch.tensor(kept["values"], dtype=torch.float64).view(2, 4, 4) / STEPS
        torch.testing.assert_close(values, reading.weights[name].double(), atol=1 / STEPS, rtol=0)
        torch.testing.assert_close(
            values.sum(-1), torch.ones_like(values[..., 0]), atol=5e-5, rtol=0
        )


def test_a_long_row_still_sums_to_one():
    weights = torch.full((1, 1, 3000), 1 / 3000)
    assert sum(maps.quantised(weights)) == STEPS
    assert maps.quantised(torch.tensor([[[0.0, -0.25, 0.0, 1.25]]])) == [0, -2500, 0, 12500]


def test_attentions_that_show_nothing_are_named():
    reading = of_pieces()
    assert list(maps.missing(RECURRENT, reading)) == [
        "encoder: model=recurrent has no self-attention in its encoder",
        "decoder: model=recurrent has no self-attention in its decoder",
    ]
    blind = Reading(**{**vars(reading), "weights": {}})
    assert list(maps.missing(RECURRENT, blind))[2:] == [
        "cross.0: attention=additive shows no weights"
    ]
    deaf = {**RECURRENT, "attention": {"name": "none"}}
    assert list(maps.missing(deaf, blind))[2:] == ["cross.0: attention=none is no attention"]


def test_words_are_merged_with_begin_and_end_as_words():
    reading = of_pieces()
    looked = reading.of_words(Role.CROSS)
    assert looked.columns == ("The", "dog", "sleeps.", "</s>")
    assert looked.rows == ("Der", "Hund", "schläft.", "</s>")
    assert looked.gold == tuple((range(i, i + 1),) * 2 for i in range(3))
    (pieces,), (words,) = reading.weights["cross.0"], looked.layers[0]
    torch.testing.assert_close(words.sum(-1), torch.ones(4))
    assert float(words[1, 1]) == pytest.approx(float(pieces[1:3, 1:3].sum() / 2))
    _, said, read = reading.sides()
    assert read.names == ("<s>", "Der", "Hund", "schläft.")
    assert [list(part) for part in read.words] == [[0], [1], [2, 3], [4]]
    assert said.words[-1] == range(4, 5)


def test_a_translation_that_did_not_end_has_no_end():
    reading = of_pieces()
    open_ended = Reading(**{
        **vars(reading),
        "target": reading.target[:-1],
        "read": reading.read[:-1],
    })
    _, said, read = open_ended.sides()
    assert said.names == ("Der", "Hund", "schläft.")
    assert read.names == ("<s>", "Der", "Hund")


@pytest.fixture
def both(tmp_path):
    torch.manual_seed(2)
    words, pieces = of_words(), of_pieces()
    lost = Reading(**{**vars(pieces), "words": (None, None)})
    runs = [shown("A", TRANSFORMER, words, words), shown("B", RECURRENT, pieces, lost)]
    path = tmp_path / "maps.html"
    path.write_text(maps.write("Attention maps", ["test 0", "test 5"], runs), encoding="utf-8")
    return path


def captions(page):
    return [one.strip() for one in page.locator("figcaption span:first-child").all_text_contents()]


def tokens(page, figure, line):
    place = f"#figures figure:nth-of-type({figure}) .tokens >> nth={line}"
    return page.locator(place).locator("button")


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_heads_are_chosen_and_tokens_tell_their_weights(both, dark):
    torch.manual_seed(2)
    words, pieces = of_words(), of_pieces()
    with browser.opened(both, dark=dark) as page:
        assert captions(page) == [
            "A: cross layer 1, mean of heads", "B: cross layer 0, head 0", "difference",
        ]  # fmt: skip
        assert page.locator(".missing").all_text_contents() == [
            "encoder: model=recurrent has no self-attention in its encoder",
            "decoder: model=recurrent has no self-attention in its decoder",
        ]
        assert page.locator(".tiles button").count() == 6 * 3 + 1
        page.click('button[data-run="0"][data-layer="cross.0"][data-head="1"]')
        assert captions(page)[0] == "A: cross layer 0, head 1"
        pressed = page.locator('.tiles button[aria-pressed="true"]')
        assert pressed.evaluate_all("all => all.map((one) => one.ariaLabel)") == [
            "A: cross.0 head 1", "B: cross.0 head 0",
        ]  # fmt: skip
        tokens(page, 1, 0).nth(1).hover()
        row = words.weights["cross.0"][1, 1]
        said = page.locator(".told").first.text_content()
        assert said.startswith("Hund looks at: ")
        found = dict(zip(["The", "dog", "sleeps.", "</s>"], row.tolist(), strict=True))
        for name, weight in re.findall(r"(\S+) (\d\.\d{4})", said.partition(": ")[2]):
            assert float(weight) == pytest.approx(found[name], abs=1.1e-4)
        merged = pieces.of_words(Role.CROSS).layers[0][0]
        tokens(page, 3, 1).nth(2).click()
        apart = words.weights["cross.0"][1, :, 2] - merged[:, 2]
        found = dict(zip(["Der", "Hund", "schläft.", "</s>"], apart.tolist(), strict=True))
        said = page.locator(".told").nth(2).text_content()
        assert said.startswith("sleeps. is looked at by: ")
        for name, weight in re.findall(r"(\S+) (-?\d\.\d{4})", said.partition(": ")[2]):
            assert float(weight) == pytest.approx(found[name], abs=5e-4)


@pytest.mark.browser
def test_words_and_pieces_roles_and_keys(both):
    with browser.opened(both) as page:
        assert tokens(page, 2, 1).all_text_contents() == ["The", "dog", "sleeps.", "</s>"]
        page.uncheck("#words")
        assert tokens(page, 2, 1).all_text_contents() == ["The", "do", "g", "sleeps.", "</s>"]
        page.focus("#figures figure canvas")
        for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
            page.keyboard.press(key)
        assert page.locator(".told").first.text_content().startswith("Hund looks at dog: 0.")
        page.focus('button[data-layer="cross.1"][data-head="mean"]')
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        assert captions(page)[0] == "A: cross layer 0, head 1"
        page.click('button[data-layer="encoder.1"][data-head="0"]')
        assert "of different roles" in page.locator("figcaption").nth(2).text_content()
        assert page.title() == "Attention maps"
        page.select_option("#sentence", "1")
        assert page.is_visible("#lost")
        assert page.is_disabled("#words")


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 900), browser.PHONE])
def test_the_window_holds_the_page(both, size):
    with browser.opened(both, size=size) as page:
        assert not browser.is_too_wide(page)
        for canvas in page.locator("#figures canvas").all():
            inside = canvas.evaluate("one => one.offsetWidth <= one.closest('figure').clientWidth")
            assert inside


@pytest.mark.browser
def test_gold_is_framed_where_it_is_asked_for(both):
    with browser.opened(both) as page:
        ink = "document.querySelector('#figures canvas').toDataURL()"
        framed = page.evaluate(ink)
        page.uncheck("#gold")
        assert page.evaluate(ink) != framed
