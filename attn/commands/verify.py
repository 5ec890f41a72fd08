"""``attn verify``: what holds of each attention and position scheme, and what does not."""

import dataclasses
import functools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from attn import assemble, registry, tables
from attn.contract import OUTSIDE, Role
from attn.registry import RunError, suggest
from attn.roles import NONE, capabilities, kind_of, made_names
from attn.shapes import shapes_alone
from attn.verify import cells, generic_positions, matrix, suite
from attn.verify.cases import SIZES, Case, words
from attn.verify.suite import Result

PURPOSE = "prove what attentions and position schemes promise, and show what holds"
EXAMPLES = """
attn verify
attn verify attention=softmax role=decoder
attn verify attention=mine plugins=[my_attention] format=markdown
"""
FORMATS = ("terminal", "markdown", "json")


def check(cfg: DictConfig) -> list[str]:
    """All problems: an unknown role or format, options that do not fit, what cannot stand so."""
    asked = assemble.plain(cfg)
    found = []
    if asked["format"] not in FORMATS:
        found.append(f"format={asked['format']}: unknown; {suggest(str(asked['format']), FORMATS)}")
    roles = [role.value for role in Role]
    if asked["role"] not in {None, *roles}:
        found.append(f"role={asked['role']}: unknown; {suggest(str(asked['role']), roles)}")
    for key in ("attention", "position"):
        if asked[key]:
            component = registry.find(key, asked[key]["name"])
            options = {option: value for option, value in asked[key].items() if option != "name"}
            given = registry.get_kind(key).given
            found += registry.problems(component, options, given=given, key=key)
    if asked["attention"] and asked["attention"]["name"] == NONE:
        found.append(f"attention={NONE}: makes nothing; choose one of {', '.join(made_names())}")
    return found or list(_misplaced(asked)) or list(dict.fromkeys(_unbuildable(asked)))


def unused(cfg: DictConfig) -> dict[str, str]:
    """Sections in which options would be set in vain, and why."""
    return {} if cfg.attention else {"model": "of an attention that is named; add attention=NAME"}


def run(cfg: DictConfig) -> None:
    """Put the chosen to their proofs, show what holds; a RunError if something does not."""
    asked, began = assemble.plain(cfg), time.perf_counter()
    chosen = _attentions(asked)
    with _progress() as bar:
        task = bar.add_task("", total=len(chosen) + 1)
        results: list[Result] = []
        counted = cells.Count()
        extra = suite.cover(chosen) if asked["attention"] is None else None
        for name in chosen:
            bar.update(task, description=f"{name:16}")
            for cell in cells.every([name], _positions(asked), _roles(asked)):
                counted.add(cells.outcome(cell))
            for case in _cases(asked, name, extra):
                results += [suite.put_to(proof, case) for proof in suite.due(case)]
            bar.advance(task)
        bar.update(task, description=f"{'positions':16}")
        for name in _positions(asked) if asked["position"] or not asked["attention"] else ():
            due = suite.due_of_position(name, _roles(asked), _given(asked["position"]))
            results += [suite.put_to(proof, case) for proof, case in due]
    _show(asked, results, counted, time.perf_counter() - began)
    _judge(asked, results, counted)


def _attentions(asked: dict[str, Any]) -> list[str]:
    if asked["attention"]:
        return [asked["attention"]["name"]]
    return [name for name in made_names() if set(_roles(asked)) & set(_served(name))]


def _positions(asked: dict[str, Any]) -> list[str]:
    return [asked["position"]["name"]] if asked["position"] else registry.names("position")


def _roles(asked: dict[str, Any]) -> list[Role]:
    return list(Role) if asked["role"] is None else [Role(asked["role"])]


def _served(name: str) -> list[Role]:
    return suite.every_role(name)


def _given(section: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (section or {}).items() if key != "name"}


def _options(section: dict[str, Any] | None) -> dict[str, Any]:
    """The options of an attention that are not those taken unasked."""
    if not section:
        return {}
    given = registry.get_kind("attention").given
    usual = registry.defaults(registry.find("attention", section["name"]), given)
    usual |= SIZES
    return {key: value for key, value in _given(section).items() if usual[key] != value}


def _cases(asked: dict[str, Any], name: str, extra: list[Case] | None) -> Iterator[Case]:
    """The plain cases, then those that choose; of one attention all pairs of its choices.

    What is asked for comes before what a case would choose, and what cannot be built so is left
    out: it is among the cells.
    """
    options = _options(asked["attention"])
    covering = suite.cover([name]) if extra is None else extra
    named = asked["position"]["name"] if asked["position"] else None
    inside = "none" if named is not None and kind_of(named) in OUTSIDE else named
    within = _given(asked["position"]) if inside not in {None, "none"} else {}
    first = [dataclasses.replace(case, position=inside or "none") for case in suite.plain(name)]
    found: list[Case] = []
    for case in [*first, *covering]:
        wanted = case.role in _roles(asked) and inside in {None, case.position}
        wanted = wanted and case.position in {"none", *suite.inner(name, case.role)}
        chosen = Case(name, case.role, case.position, {**case.options, **options}, within)
        if case.attention == name and wanted and chosen not in found and suite.builds(chosen):
            found.append(chosen)
            yield chosen


def _misplaced(asked: dict[str, Any]) -> Iterator[str]:
    """What an attention that is named cannot do, and which could."""
    if not asked["attention"]:
        return
    name = asked["attention"]["name"]
    if asked["role"] is not None and Role(asked["role"]) not in _served(name):
        roles = ", ".join(role.value for role in _served(name))
        yield f"role={asked['role']}: attention={name} does not serve it; choose one of {roles}"
    if asked["position"]:
        position = asked["position"]["name"]
        taken = capabilities(name).positions
        if kind_of(position) not in taken:
            able = [one for one in registry.names("position") if kind_of(one) in taken]
            yield (
                f"position={position}: cannot act within attention={name}; "
                f"choose one of {', '.join(able)}"
            )


def _unbuildable(asked: dict[str, Any]) -> Iterator[str]:
    """What constructors have against the options that were given."""
    position = asked["position"]["name"] if asked["position"] else "none"
    within = _given(asked["position"])
    found: list[str] = []
    for role in set(_roles(asked)) - {Role.CROSS}:
        case = Case("softmax", role, position, {}, within)
        found += _told("position", functools.partial(generic_positions.scheme, case))
    if asked["attention"] and not found:
        name, options = asked["attention"]["name"], _options(asked["attention"])
        for role in set(_roles(asked)) & set(_served(name)):
            build = Case(name, role, position, options, within).build
            found += _told("attention", functools.partial(build, **options))
    yield from found


def _told(key: str, build: Callable[[], Any]) -> list[str]:
    """Why something cannot be built; no tensor is made."""
    try:
        with shapes_alone():
            build()
    except registry.ConfigError as error:
        return error.problems
    except ValueError as error:
        return [f"{key}.{error}"]
    except RuntimeError:
        return [f"{key}: too large for a tensor; choose smaller sizes"]
    return []


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _show(
    asked: dict[str, Any], results: list[Result], counted: cells.Count, seconds: float
) -> None:
    form = asked["format"]
    if form == "json":
        sys.stdout.write(matrix.as_json(results, counted, seconds))
        return
    for kind, table in (("attention", matrix.attentions), ("position", matrix.positions)):
        header, rows = table(results)
        if not rows:
            continue
        if form == "markdown":
            sys.stdout.write(tables.markdown(header, rows))
        else:
            tables.show(header, rows)
        before = "- " if form == "markdown" else "  "
        lines = "".join(f"{before}{line}\n" for line in matrix.legend(kind, header))
        sys.stdout.write(f"\n{lines}\n")
    if options := _options(asked["attention"]):
        chosen = ", ".join(words("attention", options))
        sys.stdout.write(f"its own proofs are of its usual options, and left out with {chosen}\n")
    held = sum(one.failed is None for one in results)
    sys.stdout.write(f"{held} of {len(results)} proofs hold; {seconds:.0f} s\n{counted}\n")


def _judge(asked: dict[str, Any], results: list[Result], counted: cells.Count) -> None:
    """Name the smallest case of what does not hold, as it can be asked for again."""
    plugins = f" plugins=[{','.join(asked['plugins'])}]" if asked["plugins"] else ""
    first = suite.smallest(results)
    if first is not None:
        failed = [one for one in results if one.failed is not None]
        topics = sorted({one.proof.topic or matrix.OWN for one in failed}, key=matrix.number)
        others = (
            f"; {len(failed) - 1} more do not hold, of {', '.join(topics)}; format=json tells all"
        )
        others = others if len(failed) > 1 else ""
        where = f"{first.case}{plugins}"
        raise RunError(f"does not hold: {where}: {first.proof.says}: {first.failed}{others}")
    if counted.wrong:
        one = counted.wrong[0]
        raise RunError(
            f"neither builds nor is refused as declared: {one.cell}{plugins}: {one.wrong}"
        )
