"""What is said at the end of a sweep, and its exit code."""

import sys
from collections.abc import Mapping, Sequence

from attn.failing import FAILED, WRONG_INPUT
from attn.sweeps.outcomes import Outcome

TITLES = {
    "finished": "finished",
    "before": "finished before",
    "failed": "failed",
    "elsewhere": "running elsewhere",
    "interrupted": "interrupted",
    "left": "not run",
}
NAMED = ("failed", "elsewhere", "interrupted")


def say(outcomes: Sequence[tuple[str, Outcome]]) -> None:
    """How many jobs ended how, and those that did not end well, a line each."""
    if not outcomes:
        sys.stdout.write("no job is left to run\n")
        return
    states = [outcome.state for _, outcome in outcomes]
    counts = [
        f"{states.count(state)} {title}" for state, title in TITLES.items() if state in states
    ]
    jobs = f"{len(states)} job{'s' if len(states) != 1 else ''}"
    sys.stdout.write(f"{jobs}: {', '.join(counts)}\n")
    for state in NAMED:
        for label, outcome in outcomes:
            if outcome.state == state:
                why = f": {outcome.why}" if outcome.why else ""
                sys.stdout.write(f"  {TITLES[state]}: {label or 'the job'}{why}\n")
    if {"failed", "interrupted", "left"} & set(states):
        sys.stdout.write("the same command goes on with what is not finished\n")


def code(outcomes: Mapping[str, Outcome]) -> int:
    """0; 1 if a job failed or was interrupted, 2 if all that failed was wrong input."""
    bad = [one for one in outcomes.values() if one.state in {"failed", "interrupted"}]
    if not bad:
        return 0
    return WRONG_INPUT if all(one.wrong for one in bad) else FAILED
