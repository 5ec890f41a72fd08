"""Whether every message that a user can meet is asserted whole in some test.

A message is a line of several words in the code, whatever is put in for its ``{...}``. It is
asserted if a line in another file of tests/ holds all of it, between a start, colon or bracket and
an end, colon or bracket; what holds no colon is a part of a message, and stands among other words.
"""

import ast
import re
from itertools import chain, product
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ANY = "\0"
TYPES = {"annotation", "returns", "slice"}
NO_WORDS = {"T S D"}  # what an attention costs
# Shown by --help and by attn list, and what shells run.
HELP = {"PURPOSE", "EXAMPLES", "HELP", "MORE", "LEGEND", "CAPABILITIES", "BASH", "ZSH"}
# Help, what is translated, what is proven.
NO_MESSAGES = (
    "usage.py",
    "corpora/grammar/",
    "corpora/moses.py",
    "verify/attention/",
    "verify/positions/",
)
# Called with patterns, marks, and what `attn list` shows.
NOT_FOR_READING = {
    "Capabilities",
    "Growth",
    "cast",
    "holds",
    "proof",
    "filterwarnings",
    "rearrange",
    "compile",
    "match",
    "search",
    "partition",
    "declare",
}
WHOLE = r"(.*([:;] |\())?\s*", r"([:;)].*| \(.*)?"
PART = r"(.*[\s(])?", r"(\W.*)?"


def texts(node):
    """Every text that an expression can be, ``ANY`` in place of what is put in."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in product(*map(texts, node.values))]
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.IfExp):
        return texts(node.value)
    if isinstance(node, ast.IfExp):
        return [*texts(node.body), *texts(node.orelse)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return ["".join(parts) for parts in product(texts(node.left), texts(node.right))]
    return [ANY]


def is_text(node):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return is_text(node.left) or is_text(node.right)
    string = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return string or isinstance(node, ast.JoinedStr)


def read(node):
    """The texts of a module, each whole, but for docstrings, types, help and patterns."""
    if is_text(node):
        yield node
    elif not is_left_out(node):
        kept = (field for name, field in ast.iter_fields(node) if name not in TYPES)
        for inner in chain.from_iterable(f if isinstance(f, list) else [f] for f in kept):
            yield from read(inner) if isinstance(inner, ast.AST) else ()


def is_left_out(node):
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return any(getattr(target, "id", None) in HELP for target in node.targets)
    called = getattr(node, "func", None)
    return getattr(called, "attr", getattr(called, "id", None)) in NOT_FOR_READING


def told(path):
    """The lines in a module that are messages, and where they stand."""
    for node in read(ast.parse(path.read_text(encoding="utf-8"))):
        for line in dict.fromkeys(line for text in texts(node) for line in text.splitlines()):
            if line not in NO_WORDS and re.search(r"\w\W* \W*\w", line.replace(ANY, "")):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", line.strip(" ;:,")


def messages():
    left_out = tuple(str(ROOT / "attn" / name) for name in NO_MESSAGES)
    paths = sorted((ROOT / "attn").rglob("*.py"))
    return chain.from_iterable(told(path) for path in paths if not str(path).startswith(left_out))


def lines():
    found = set()
    for path in {*(ROOT / "tests").glob("*.py")} - {Path(__file__)}:
        for node in read(ast.parse(path.read_text(encoding="utf-8"))):
            for text in texts(node):
                found |= {*text.splitlines(), *re.sub(r"\{[^{}]*\}", ANY, text).splitlines()}
    return sorted(found)


def is_asserted(message, lines):
    parts = message.split(ANY)
    before, behind = WHOLE if re.search("[:;]", message) else PART
    whole = re.compile(before + ".*".join(map(re.escape, parts)) + behind)
    longest = max(parts, key=len)
    return any(longest in line and whole.fullmatch(line) for line in lines)


def test_every_message_is_asserted_whole():
    known = lines()
    missing = [
        f"{where}: {message.replace(ANY, '{}')}"
        for where, message in messages()
        if not is_asserted(message, known)
    ]
    if missing:
        pytest.fail("no test asserts these messages whole:\n" + "\n".join(missing), pytrace=False)
