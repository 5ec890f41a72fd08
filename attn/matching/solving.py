"""What to set in each variant of a sweep so that it spends what the first does.

Parameters and operations follow from widths: that of the feed-forward networks, or, where a model
has none or theirs would change too much, that of the whole model and then theirs for the rest.
Target tokens and time follow from the number of steps.
"""

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from attn import assemble
from attn.matching import pace
from attn.matching.amounts import WIDTHS, Amounts
from attn.matching.kept import FEEDFORWARD, STEPS, WIDTH, Solution
from attn.matching.search import Search
from attn.registry import ConfigError

Config = Mapping[str, Any]
FACTOR = 4  # by which feed-forward networks may become wider or narrower, and still be such


@dataclasses.dataclass(frozen=True)
class Variant:
    """A config as it was composed, its references still such, and the words for it.

    ``typed`` are the options that the user has set, which stay as they are.
    """

    label: str
    cfg: DictConfig
    typed: frozenset[str] = frozenset()

    @property
    def config(self) -> dict[str, Any]:
        """The config with every reference resolved."""
        return assemble.plain(self.cfg)

    def get(self, option: str) -> Any:
        """The value of an option, by dotted key; None where there is none."""
        return OmegaConf.select(self.cfg, option)

    def altered(self, option: str, value: int) -> "Variant":
        """The same with another value, and with what refers to it."""
        changed = copy.deepcopy(self.cfg)
        OmegaConf.update(changed, option, value)
        return dataclasses.replace(self, cfg=changed)


def solve(kind: str, variants: Sequence[Variant], known: Sequence[float | None]) -> list[Solution]:
    """What to set in each variant, the first of which stays as it is.

    ``known`` are the seconds of a step, for the variants of which they were measured before.
    """
    amounts = Amounts()
    if kind in WIDTHS:
        count = WIDTHS[kind]
        return _widths(variants, lambda config: count(amounts, config))
    if kind == "tokens":
        return _steps(variants, [amounts.tokens(one.config) for one in variants])
    rates = _seconds(variants, known, amounts)
    pairs = zip(_steps(variants, rates), rates, strict=True)
    return [dataclasses.replace(one, step=rate) for one, rate in pairs]


def _seconds(
    variants: Sequence[Variant], known: Sequence[float | None], amounts: Amounts
) -> list[float]:
    """The seconds of a step; what is measured later is measured beside the first variant again.

    It is then told in what the first took at first, so that nothing changes for the others.
    """
    there = {i: one for i, one in enumerate(known) if one is not None}
    turns = [i for i in range(len(known)) if i == 0 or i not in there]
    if len(there) < len(known):
        found = pace.seconds([variants[i].config for i in turns], amounts.material)
        unit = there[0] / found[0] if 0 in there else 1.0
        there |= {i: unit * one for i, one in zip(turns, found, strict=True)}
    return [there[i] for i in range(len(known))]


def _widths(variants: Sequence[Variant], count: Callable[[Config], float]) -> list[Solution]:
    first, *others = variants
    target = count(first.config)
    solved = (_width(one, count, target) for one in others)
    return [Solution(first.label, {}, target, target), *solved]


def _width(variant: Variant, count: Callable[[Config], float], target: float) -> Solution:
    now = count(variant.config)
    if now == target:
        return Solution(variant.label, {}, now, target)
    if variant.get(FEEDFORWARD) is None:
        return _solution(variant, {}, _search(variant, WIDTH, count, target), WIDTH)
    narrow = _search(variant, FEEDFORWARD, count, target)
    solution = _solution(variant, {}, narrow, FEEDFORWARD)
    if solution.close or WIDTH in variant.typed:
        return solution
    width = _search(variant, WIDTH, count, target).best()
    assert width is not None
    wider = variant.altered(WIDTH, width)
    rest = _search(wider, FEEDFORWARD, count, target)
    return _solution(wider, {WIDTH: width}, rest, FEEDFORWARD)


def _search(
    variant: Variant, option: str, count: Callable[[Config], float], target: float
) -> Search:
    own = int(variant.get(option))
    least, most = (max(1, own // FACTOR), own * FACTOR) if option == FEEDFORWARD else (1, None)

    def amount(value: int) -> float | None:
        if value < least or (most is not None and value > most):
            return None
        try:
            return count(variant.altered(option, value).config)
        except (ConfigError, RuntimeError):  # a width that does not fit the rest, or no memory
            return None

    return Search(amount, own, target)


def _solution(variant: Variant, sets: dict[str, int], search: Search, option: str) -> Solution:
    value = search.best()
    assert value is not None  # its own, at least
    amount = search.amount(value)
    assert amount is not None
    solution = Solution(variant.label, {**sets, option: value}, amount, search.target)
    return solution if solution.close else dataclasses.replace(solution, why=_why(search, option))


def _why(search: Search, option: str) -> str:
    """Why no width comes nearer."""
    sides = [one for one in (search.low, search.high) if one is not None]
    if len(sides) == 1:
        return f"no {option} comes nearer"
    low, high = (f"{one} gives {_percent(search, one):+.1f} %" for one in sides)
    return f"of {option}, {low} and {high}, and nothing between them can be built"


def _percent(search: Search, number: int) -> float:
    amount = search.amount(number)
    assert amount is not None
    return 100 * (amount / search.target - 1)


def _steps(variants: Sequence[Variant], rates: Sequence[float]) -> list[Solution]:
    """As many steps as come nearest to what the first variant spends, each spending its rate."""
    target = variants[0].get(STEPS) * rates[0]
    found = [Solution(variants[0].label, {}, target, target)]
    for one, rate in zip(variants[1:], rates[1:], strict=True):
        steps = max(1, round(target / rate))
        why = f"a step is {100 * rate / target:.1f} % of the whole"
        sets = {} if steps == one.get(STEPS) else {STEPS: steps}
        solution = Solution(one.label, sets, steps * rate, target)
        found.append(solution if solution.close else dataclasses.replace(solution, why=why))
    return found
