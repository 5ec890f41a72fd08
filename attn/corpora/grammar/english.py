"""English inflection: verbs, numbers."""

from attn.corpora.grammar.lexicon import Verb

TO_BE = {(1, False): "am", (3, False): "is", (1, True): "are", (3, True): "are"}
ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["-", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
IRREGULAR = {
    1: "first",
    2: "second",
    3: "third",
    5: "fifth",
    8: "eighth",
    9: "ninth",
    12: "twelfth",
}


def finite(verb: Verb, person: int, plural: bool) -> str:
    """The simple present."""
    if verb.english == "be":
        return TO_BE[person, plural]
    return verb.third if person == 3 and not plural else verb.english


def do(person: int, plural: bool) -> str:
    """The auxiliary of questions and negation."""
    return "does" if person == 3 and not plural else "do"


def number(value: int) -> str:
    """A number from 2 to 99."""
    if value < 20:
        return ONES[value]
    tens, ones = divmod(value, 10)
    return f"{TENS[tens]}-{ONES[ones]}" if ones else TENS[tens]


def ordinal(value: int) -> str:
    """The day of a month."""
    tens, ones = divmod(value, 10)
    if value in IRREGULAR:
        return IRREGULAR[value]
    if value < 20:
        return f"{ONES[value]}th"
    return f"{TENS[tens]}-{ordinal(ones)}" if ones else f"{TENS[tens][:-1]}ieth"
