"""The page of a comparison in Chromium: it sorts, filters, draws, and shows texts as they are."""

import csv

import browser
import pytest
from direct import call
from reports import evaluate, leave, spoilt, texts

pytestmark = pytest.mark.browser
HTML = "<img src=x onerror=alert(1)> & <b>bold</b>"
HEBREW = "הכלב ישן"
REFERENCES = [*texts(28, 1, 12), HTML, HEBREW]
SOURCES = [*texts(28, 2, 12), HTML, "The dog sleeps."]
NAMES = ("so<b>ft", "linear", "window")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    for number, name in enumerate(NAMES):
        for seed in (1, 2):
            run = leave(
                folder / "runs",
                attention=name,
                seed=seed,
                dim=(16, 8, 120)[number],
                dev=30.0 - 9 * number,
            )
            said = spoilt(REFERENCES, 0.2 + 0.2 * number, seed)
            evaluate(run, said, REFERENCES, SOURCES)
    assert call("compare", f"runs={folder}", f"report={folder}/report.html") == (0, "")
    return folder / "report.html"


def rows(page):
    """The attentions of the rows that are shown, from above."""
    column = page.locator("#variants thead th").all_text_contents().index("attention")
    visible = page.locator("#variants tbody tr:visible").all()
    return [row.locator("td").nth(column).text_content() for row in visible]


def drawn(page):
    """Wait until what was asked for is drawn: timers of a page are run in their order."""
    page.evaluate("new Promise((done) => setTimeout(done))")


def lines(page, chart):
    """The names of the lines and points that a picture shows."""
    drawn(page)
    return page.evaluate(
        "(id) => byId(id).data.filter((one) => one.visible !== false && one.hovertext)"
        ".map((one) => [one.hovertext].flat()[0].match(/attention=([^ <,]*)/)[1])",
        chart,
    )


def ranges(page):
    drawn(page)
    return page.evaluate(
        "['left', 'right', 'costs', 'lengths'].map((id) => "
        "[byId(id).layout.xaxis.range, byId(id).layout.yaxis.range])"
    )


def test_headers_sort_numbers_as_numbers_and_say_so(report):
    with browser.opened(report) as page:
        first = rows(page)
        header = page.locator("#variants th", has_text="parameters")
        header.locator("button").press("Enter")
        assert (rows(page), header.get_attribute("aria-sort")) == (
            ["window", "so<b>ft", "linear"],
            "descending",
        )
        header.locator("button").press("Enter")
        assert rows(page) == ["linear", "so<b>ft", "window"]
        page.get_by_role("button", name="attention", exact=True).click()
        assert (rows(page), header.get_attribute("aria-sort")) == (
            ["linear", "so<b>ft", "window"],
            "none",
        )
        page.click("#reset")
        assert rows(page) == first == list(NAMES)


def test_filters_choose_rows_and_lines_and_move_no_axis(report):
    with browser.opened(report) as page:
        before = ranges(page)
        page.fill("#words", "LINEAR")
        assert rows(page) == ["linear"]
        assert page.text_content("#count") == "1 of 3 variants"
        for chart in ("left", "right", "costs", "lengths"):
            assert lines(page, chart) == ["linear"]
        assert ranges(page) == before
        page.fill("#words", "")
        page.get_by_label("attention").first.select_option(label="so<b>ft")
        assert rows(page) == ["so<b>ft"]
        page.click("#reset")
        assert len(rows(page)) == 3


def test_the_legend_hides_lines_and_not_rows(report):
    with browser.opened(report) as page:
        chip = page.locator(".chip", has_text="linear")
        chip.press("Space")
        assert chip.get_attribute("aria-pressed") == "false"
        assert len(rows(page)) == 3
        assert "linear" not in lines(page, "left")
        page.click("#none")
        assert lines(page, "costs") == []
        page.click("#all")
        assert len(lines(page, "lengths")) == 3


def test_curves_take_the_figure_and_the_clock_that_are_chosen(report):
    titles = "byId('left').layout.xaxis.title.text + ', ' + byId('left').layout.yaxis.title.text"
    with browser.opened(report) as page:
        assert page.evaluate(titles) == "training steps, dev BLEU"
        page.select_option("#clock", "minutes")
        page.select_option("#left-name", "train loss")
        drawn(page)
        assert page.evaluate(titles) == "minutes of training, train loss (nats per target token)"
        page.select_option("#band", "none")
        drawn(page)
        assert (
            page.evaluate("byId('left').data.filter((one) => one.fill && one.visible).length") == 0
        )


def test_the_front_holds_what_none_is_better_and_cheaper_than(report):
    with browser.opened(report) as page:
        page.select_option("#cost", label="parameters")
        drawn(page)
        assert page.evaluate("byId('costs').data[0].x") == [8000, 16000]
        page.select_option("#cost", label="tokens/s trained")
        drawn(page)
        assert page.evaluate("byId('costs').data[0].x") == [1120, 1016]
        points = "[{x: 1, y: 5}, {x: 2, y: 4}, {x: 2, y: 3}, {x: 1, y: 6}, {x: 3, y: 9}]"
        assert page.evaluate(f"paretoFront({points}, 'TER', 'minutes').map((p) => [p.x, p.y])") == [
            [1, 5],
            [2, 3],
        ]


def test_the_sentences_of_the_chosen_two_are_shown_as_they_are(report):
    with browser.opened(report) as page:
        page.get_by_role("button", name="attention=window as B").click()
        assert page.locator("#b option:checked").text_content().endswith("attention=window")
        page.fill("#text", "onerror")
        page.wait_for_selector(".sentence")
        told = dict(
            zip(
                page.locator(".sentence dt").all_text_contents(),
                page.locator(".sentence dd").all_text_contents(),
                strict=True,
            )
        )
        assert (told["source"], told["reference"]) == (HTML, HTML)
        assert {term.split(":")[0] for term in told} >= {"A, seed 1, 2", "B, seed 2"}
        assert page.locator("main img, main b b").count() == 0
        page.fill("#text", HEBREW[:4])
        reference = page.locator(".sentence dd").nth(1)
        assert reference.text_content() == HEBREW
        assert reference.evaluate("(one) => getComputedStyle(one).direction") == "rtl"


def test_the_largest_differences_come_first(report):
    gap = "[...document.querySelectorAll('.sentence h3 b')].map((one) => Number(one.textContent))"
    with browser.opened(report) as page:
        gaps = page.evaluate(gap)
        assert gaps == sorted(gaps, reverse=True)
        assert len(gaps) == 10
        page.click("#more")
        assert len(page.evaluate(gap)) > 10
        page.select_option("#order", "b")
        heads = page.locator(".sentence h3").all_text_contents()
        assert all("B ahead" in head for head in heads)


def test_words_that_the_reference_lacks_are_marked(report):
    said = "[...marked('a x b a', 'a b c')].map((one) => one.outerHTML ?? one).join('')"
    with browser.opened(report) as page:
        assert page.evaluate(said) == "a <mark>x</mark> b <mark>a</mark>"


@pytest.mark.parametrize("dark", [False, True])
def test_pictures_follow_the_theme(report, dark):
    shown = "[...document.querySelectorAll('.main-svg')].map((one) => one.style.background)"
    with browser.opened(report, dark=dark) as page:
        before = {one for one in page.evaluate(shown) if one}
        page.click("#theme")
        drawn(page)
        after = {one for one in page.evaluate(shown) if one}
        assert [before, after][:: -1 if dark else 1] == [
            {"rgb(255, 255, 255)"},
            {"rgb(20, 23, 27)"},
        ]


def test_it_fits_a_phone(report):
    with browser.opened(report, size=browser.PHONE) as page:
        assert not browser.is_too_wide(page)
        assert page.locator("#left").bounding_box()["width"] <= 390


def test_numbers_are_handed_out(report):
    with browser.opened(report) as page:
        page.fill("#words", "linear")
        whole = page.locator("#variants thead th").count() - 1  # but for the one of marks
        for button, columns in (("table", whole), ("left", 8), ("costs", 4), ("lengths", 7)):
            with page.expect_download() as handed:
                page.click(f"#{button}-csv")
            with open(handed.value.path(), newline="") as file:  # noqa: PTH123
                header, *found = csv.reader(file)
            assert len(header) == columns
            assert found
            assert all("linear" in " ".join(row) for row in found)


def test_a_picture_is_handed_out(report):
    with browser.opened(report) as page:
        page.hover("#costs")
        buttons = page.locator("#costs .modebar-btn")
        assert buttons.count() == 6
        with page.expect_download() as handed:
            buttons.first.click()
        assert handed.value.suggested_filename == "costs.png"
