"""The whole number whose amount is nearest to a target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attn.matching.search import GAP, LARGEST, Search


@given(
    slope=st.floats(0.5, 50),
    bend=st.floats(0, 2),
    base=st.floats(0, 5000),
    grain=st.integers(1, 24),
    start=st.integers(1, 60),
    wanted=st.floats(1, 2000),
)
def test_no_number_that_builds_is_nearer(slope, bend, base, grain, start, wanted):
    def amount(number):
        return base + slope * number + bend * number**2 if number % grain == 0 else None

    target = base + slope * wanted + bend * wanted**2
    found = Search(amount, start * grain, target).best()
    every = [amount(number) for number in range(grain, 2048, grain)]
    assert abs(amount(found) - target) == pytest.approx(min(abs(one - target) for one in every))


def test_few_numbers_are_tried():
    tried = []

    def amount(number):
        tried.append(number)
        return 878720.0 + 1028 * number

    assert Search(amount, 256, 878720.0 + 1028 * 3111).best() == 3111
    assert len(tried) < 12


def test_both_sides_of_the_target_are_known():
    search = Search(lambda number: float(number) if number % 16 == 0 else None, 64, 99.0)
    assert (search.low, search.high, search.best()) == (96, 112, 96)
    exact = Search(float, 5, 9.0)
    assert (exact.low, exact.best(), exact.amount(9)) == (9, 9, 9.0)


@pytest.mark.parametrize("start", [1, 7, 300])
def test_a_target_below_all_amounts_takes_the_least_number(start):
    search = Search(lambda number: 100.0 + number, start, 3.0)
    assert (search.low, search.high, search.best()) == (None, 1, 1)


def test_amounts_that_do_not_grow_end_the_search():
    for target in (50.0, 200.0):
        assert Search(lambda _: 100.0, 8, target).best() == 8
    assert Search(lambda number: min(float(number), 100.0), 8, 200.0).best() in range(64, LARGEST)


def test_nothing_is_found_where_nothing_builds():
    search = Search(lambda _: None, 8, 200.0)
    assert (search.best(), search.low, search.high) == (None, None, None)
    alone = Search(lambda number: 5.0 if number == 8 else None, 8, 200.0)
    assert alone.best() == 8
    assert GAP > 16 * 16  # heads, each of a width that rotary positions can turn
