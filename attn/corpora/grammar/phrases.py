"""Noun phrases and adjuncts, both sides at once."""

import dataclasses
from collections.abc import Callable

from attn.corpora.grammar import english, german
from attn.corpora.grammar.lexicon import Adjective, Noun
from attn.corpora.grammar.words import COMMA, Keys, Word, Words, words

# English subject and object form, German nominative, accusative, dative; person, plural.
PRONOUNS = {
    "I": ("me", "ich mich mir", 1, False),
    "we": ("us", "wir uns uns", 1, True),
    "he": ("him", "er ihn ihm", 3, False),
    "she": ("her", "sie sie ihr", 3, False),
    "they": ("them", "sie sie ihnen", 3, True),
}
# What stands before a noun: English, German stem.
POSSESSIVES = {"my": "mein", "his": "sein", "her": "ihr", "our": "unser"}
NEGATED = "kein"
SILENT_H = ("honest",)


@dataclasses.dataclass
class NounPhrase:
    """A subject or object: its English words, its German ones by case, and its features.

    ``definite`` tells whether German puts it before times and nicht; ``column`` is its gender, or
    p for the plural, as the tables of inflection have it; ``heavy`` whether it ends in a clause;
    ``adjective`` what it is said to be already.
    """

    english: Words
    german: Callable[[str], Words]
    person: int = 3
    plural: bool = False
    definite: bool = True
    column: str = "m"
    kind: str = "person"
    pronoun: bool = False
    heavy: bool = False
    adjective: Adjective | None = None
    english_object: Words | None = None

    def as_object(self) -> Words:
        """The English words where it is no subject."""
        return self.english_object or self.english


@dataclasses.dataclass
class Adjunct:
    """A time or place: its words on both sides, and whether it ends in a clause."""

    english: Words
    german: Words
    heavy: bool = False


def pronoun(keys: Keys, subject: str) -> NounPhrase:
    """A personal pronoun."""
    key = keys.new()
    english_object, forms, person, plural = PRONOUNS[subject]
    by_case = dict(zip(german.CASES, forms.split(), strict=True))
    return NounPhrase(
        words(subject, key),
        lambda case: words(by_case[case], key),
        person,
        plural,
        pronoun=True,
        english_object=words(english_object, key),
    )


def noun_phrase(
    keys: Keys,
    noun: Noun,
    determiner: str,
    *,
    adjective: Adjective | None = None,
    plural: bool = False,
    value: int = 1,
    negation: int | None = None,
    relative: tuple[Words, Words] | None = None,
) -> NounPhrase:
    """A noun with what stands before and behind it.

    ``determiner`` is ``the``, ``a`` (nothing in the plural and for what cannot be counted) or a
    possessive; ``value`` a number above 1; ``negation`` the key of a not that German says as kein;
    ``relative`` both sides of a relative clause.
    """
    before, described, thing = keys.new(), keys.new(), keys.new()
    column = "p" if plural else noun.gender
    bare = determiner == "a" and (plural or not noun.plural)
    described_english = words(adjective.english if adjective else "", described)
    described_english += words(noun.plural if plural else noun.singular, thing)
    left = words(_english_determiner(determiner, described_english[0].text, value, bare), before)

    def sides(case: str) -> Words:
        if determiner == "a" and negation is not None:
            right = words(german.determiner(NEGATED, case, column), before, negation)
        else:
            right = words(_german_determiner(determiner, case, column, value, bare), before)
        declension = german.WEAK if determiner == "the" else german.MIXED
        if bare and negation is None:
            declension = german.STRONG
        if adjective:
            right += words(german.adjective(adjective.stem, declension, case, column), described)
        right += words(german.noun(noun, case, plural), thing)
        return [*right, COMMA, *relative[1], COMMA] if relative else right

    return NounPhrase(
        left + described_english + (relative[0] if relative else []),
        sides,
        plural=plural,
        definite=determiner != "a",
        column=column,
        kind=noun.kind,
        heavy=relative is not None,
        adjective=adjective,
    )


def _english_determiner(determiner: str, following: str, value: int, bare: bool) -> str:
    if bare:
        return english.number(value) if value > 1 else ""
    vowel = following[0] in "aeiou" or following in SILENT_H
    return "an" if determiner == "a" and vowel else determiner


def _german_determiner(determiner: str, case: str, column: str, value: int, bare: bool) -> str:
    if bare:
        return german.number(value) if value > 1 else ""
    if determiner == "the":
        return german.article(case, column)
    return german.determiner(POSSESSIVES.get(determiner, "ein"), case, column)


def prepositional(
    keys: Keys, preposition: tuple[str, str], case: str, phrase: NounPhrase, *, contract: bool
) -> Adjunct:
    """A preposition and its noun phrase; German draws in and dem together to im."""
    key = keys.new()
    right = phrase.german(case)
    short = german.CONTRACTED.get((preposition[1], right[0].text)) if contract else None
    if short:
        right = [Word(short, right[0].keys | {key}), *right[1:]]
    else:
        right = words(preposition[1], key) + right
    return Adjunct(words(preposition[0], key) + phrase.as_object(), right, phrase.heavy)


def fixed(keys: Keys, entry: str) -> Adjunct:
    """A time from the table: the last words correspond, and what stands before them."""
    left, right = (side.split() for side in entry.split("="))
    used = [keys.new() for _ in range(max(len(left), len(right)))]
    if len(left) == len(right):
        pairs = zip(left, right, used, strict=True)
        sides = [
            (Word(one, frozenset({k})), Word(other, frozenset({k}))) for one, other, k in pairs
        ]
        return Adjunct([one for one, _ in sides], [other for _, other in sides])
    return _spread(left, list(dict.fromkeys(right)), used)


def _spread(left: list[str], right: list[str], used: list[int]) -> Adjunct:
    """The last words correspond; the first German one stands for all English ones before."""
    most = used[0]
    if len(right) == 1:
        return Adjunct(words(" ".join(left), most), words(right[0], most))
    head = words(" ".join(left[:-1]), most) + words(left[-1], used[1])
    return Adjunct(head, words(right[0], most) + words(right[1], used[1]))


def date(keys: Keys, day: int, months: tuple[str, str]) -> Adjunct:
    """On the third of May: am dritten Mai."""
    first, second, third = keys.new(), keys.new(), keys.new()
    left = words("on the", first) + words(english.ordinal(day), second) + words("of", third)
    right = words("am", first) + words(german.ordinal(day), second) + words(months[1], third)
    return Adjunct(left + words(months[0], third), right)


def clock(keys: Keys, hour: int) -> Adjunct:
    """At three o'clock: um drei Uhr."""
    first, second, third = keys.new(), keys.new(), keys.new()
    left = words("at", first) + words(english.number(hour), second) + words("o'clock", third)
    right = words("um", first) + words(german.number(hour), second) + words("Uhr", third)
    return Adjunct(left, right)
