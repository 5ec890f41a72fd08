"""How much of the grammar is used, and how often what comes."""

import dataclasses

from attn.corpora.grammar import lexicon, tables
from attn.corpora.grammar.lexicon import Verb


@dataclasses.dataclass(frozen=True)
class Scope:
    """How many entries of each table are used, and how often what comes."""

    entries: int
    adjective: float
    time: float
    place: float
    modal: float
    negation: float
    relative: float
    subordinate: float
    question: float
    joined: float
    numbers: float


SCOPES = {
    "demo": Scope(5, 0.2, 0.25, 0.1, 0.2, 0.2, 0.1, 0.15, 0.15, 0.06, 0.0),
    "study": Scope(1000, 0.3, 0.35, 0.15, 0.25, 0.2, 0.25, 0.35, 0.15, 0.2, 0.15),
}


class Vocabulary:
    """The part of the lexicon that a scope uses."""

    def __init__(self, scope: Scope, *, ambiguity: bool) -> None:
        few = scope.entries
        self.nouns = {kind: some[:few] for kind, some in lexicon.nouns().items()}
        self.adjectives = {kind: some[:few] for kind, some in lexicon.adjectives().items()}
        self.verbs: dict[str, list[Verb]] = {}
        for verb in lexicon.verbs():
            some = self.verbs.setdefault(verb.frame, [])
            if len(some) < 2 * few and set(verb.subjects) & set(self.nouns):
                some.append(verb)
        self.modals = [(one, other.split()[1]) for one, other in lexicon.entries(tables.MODALS)][
            :few
        ]
        self.times = lexicon.split(tables.TIMES, ";")[:few]
        self.conjunctions = [c.split() for c in lexicon.split(tables.CONJUNCTIONS, ",")][:few]
        self.months = [month.split() for month in lexicon.split(tables.MONTHS, ",")]
        self.synonyms = lexicon.synonyms() if ambiguity else {}
