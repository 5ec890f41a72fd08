"""The whole number whose amount is nearest to a target, where amounts grow with numbers."""

from collections.abc import Callable

LARGEST = 2**20  # width that is tried
GAP = 512  # numbers in a row of which none builds, after which there is none

Amount = Callable[[int], float | None]  # of a number from 1; None where nothing can be built


class Search:
    """Numbers that build, on both sides of the target, ever nearer to each other.

    ``low`` is the largest number found whose amount is at most the target, ``high`` the smallest
    whose amount is above it; None where there is none.
    """

    def __init__(self, amount: Amount, start: int, target: float) -> None:
        self._amount, self.target = amount, target
        self._known: dict[int, float | None] = {}
        self.low: int | None = None
        self.high: int | None = None
        self._enclose(start)
        self._narrow()

    def amount(self, number: int) -> float | None:
        """The amount of a number, computed once."""
        if number not in self._known:
            self._known[number] = self._amount(number)
        return self._known[number]

    def best(self) -> int | None:
        """The number whose amount is nearest to the target; None where nothing builds."""
        found = [number for number in (self.low, self.high) if number is not None]
        return min(found, key=lambda number: abs(self._of(number) - self.target), default=None)

    def _of(self, number: int) -> float:
        amount = self.amount(number)
        assert amount is not None
        return amount

    def _place(self, number: int) -> None:
        if self._of(number) <= self.target:
            self.low = number
        else:
            self.high = number

    def _enclose(self, start: int) -> None:
        """From a first number to twice or half of it, until the target lies between."""
        number = self._next(start, LARGEST)
        if number is None:
            return
        self._place(number)
        while self.high is None and number < LARGEST:
            further = self._next(2 * number, LARGEST)
            if further is None or self._of(further) == self._of(number):
                return  # amounts that do not grow never reach it
            number = further
            self._place(number)
        while self.low is None:
            smaller = self._next(max(1, number // 2), number - 1) or self._next(1, number - 1)
            if smaller is None or self._of(smaller) == self._of(number):
                return
            number = smaller
            self._place(number)

    def _narrow(self) -> None:
        """Where a line between both sides crosses the target, and in the middle, by turns."""
        by_line = True
        while self.low is not None and self.high is not None and self.high - self.low > 1:
            low, high = self.low, self.high
            share = (self.target - self._of(low)) / (self._of(high) - self._of(low))
            guess = low + round(share * (high - low)) if by_line else (low + high) // 2
            guess, by_line = min(max(guess, low + 1), high - 1), not by_line
            number = self._next(guess, high - 1) or self._before(guess - 1, low + 1)
            if number is None:
                return
            self._place(number)

    def _next(self, start: int, most: int) -> int | None:
        """The first number from ``start`` to ``most`` that builds."""
        numbers = range(start, min(most, start + GAP) + 1)
        return next((one for one in numbers if self.amount(one) is not None), None)

    def _before(self, start: int, least: int) -> int | None:
        """The first number from ``start`` down to ``least`` that builds."""
        numbers = range(start, max(least, start - GAP) - 1, -1)
        return next((one for one in numbers if self.amount(one) is not None), None)
