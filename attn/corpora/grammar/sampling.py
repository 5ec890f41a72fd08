"""Draws clauses and phrases from the grammar."""

import dataclasses
import random
from collections.abc import Sequence
from typing import TypeVar

from attn.corpora.grammar import german, phrases
from attn.corpora.grammar.clauses import Clause
from attn.corpora.grammar.lexicon import Adjective, Noun, Verb
from attn.corpora.grammar.phrases import Adjunct, NounPhrase
from attn.corpora.grammar.scope import Scope, Vocabulary
from attn.corpora.grammar.words import Keys, Words, words

Sides = tuple[Words, Words]
Item = TypeVar("Item")
WITH_NOT = ("can", "want to", "should")
# States are not wanted or allowed; a particle would stand behind a pronoun: picks me up.
STATES = ("be", "have", "know", "need")
PARTICLES = ("up", "on", "off", "away")
SPOUSES = ("man", "woman")  # what they are in German with a possessive
FRAMES = {"none": 3, "acc": 6, "dat": 2, "both": 2, "place": 1, "goal": 1, "quality": 2}


class Sampler:
    """Clauses of a scope, nested up to ``depth``, drawn by one generator of random numbers."""

    def __init__(
        self, scope: Scope, vocabulary: Vocabulary, generator: random.Random, *, depth: int
    ) -> None:
        self.scope, self.vocabulary, self.random = scope, vocabulary, generator
        self.depth = depth
        self.begin()

    def begin(self) -> None:
        """Forget the last sentence: its keys, and how deep its clauses were nested."""
        self.keys, self.deepest = Keys(), 0

    # Clauses

    def verb(self, kind: str) -> Verb:
        """A verb that says something of a kind of subject."""
        frames = [frame for frame in FRAMES if frame in self.vocabulary.verbs]
        (frame,) = self.random.choices(frames, [FRAMES[frame] for frame in frames])
        able = [verb for verb in self.vocabulary.verbs[frame] if kind in verb.subjects]
        return self.choice(able) if able else self.verb(kind)

    def clause(
        self,
        level: int,
        verb: Verb | None = None,
        subject: NounPhrase | None = None,
        *,
        bare: bool = False,
    ) -> Clause:
        """A clause at a level of nesting, of a verb and with a subject if these are given.

        A bare one has neither object nor place: what is asked for or relative stands for them.
        """
        verb = verb or self.verb(self.choice(["person", "person", "person", "animal"]))
        clause = Clause(subject or self.subject(verb, level), verb, self.keys.new())
        if verb.english not in STATES and self.chance(self.scope.modal):
            name, infinitive = self.choice(self.vocabulary.modals)
            clause.modal = (name, infinitive, self.keys.new())
        deniable = clause.modal is None or clause.modal[0] in WITH_NOT
        if deniable and self.chance(self.scope.negation):
            clause.negation = self.keys.new()
        if not bare:
            self.complete(clause, level)
        parts = (clause.dative, clause.accusative, clause.place)
        # After a relative clause a time would be read as its own.
        free = verb.frame != "quality" and not any(part and part.heavy for part in parts)
        if free and self.chance(self.scope.time):
            clause.time = self.time(negated=clause.negation is not None)
        return clause

    def complete(self, clause: Clause, level: int) -> None:
        """Give a clause its objects and its place."""
        verb = clause.verb
        if verb.frame in ("dat", "both"):
            kinds = verb.objects if verb.frame == "dat" else ("person",)
            # English has a heavy dative behind to, which is no part of the grammar.
            nested = level if verb.frame == "dat" else self.depth
            clause.dative = self.thing(kinds, nested, clause, determiners=("the", "my", "his"))
        if verb.frame in ("acc", "both"):
            clause.accusative = self.thing(verb.objects, level, clause)
        if not (clause.accusative and clause.accusative.heavy):
            clause.place = self.place_of(clause, level)

    def subject(self, verb: Verb, level: int) -> NounPhrase:
        """What a verb says something of."""
        kind = self.choice([kind for kind in verb.subjects if kind in self.vocabulary.nouns])
        if kind == "person" and self.chance(0.3):
            return phrases.pronoun(self.keys, self.choice(list(phrases.PRONOUNS)))
        return self.noun_phrase(kind, level, ("the", "the", "a", "my", "his", "her", "our"))

    def thing(
        self,
        kinds: Sequence[str],
        level: int,
        clause: Clause,
        determiners: Sequence[str] = ("the", "the", "the", "a", "a", "my", "his", "our"),
    ) -> NounPhrase:
        """An object of a clause; an indefinite one takes its negation on."""
        kind = self.choice([kind for kind in kinds if kind in self.vocabulary.nouns])
        parted = clause.verb.english.split()[-1] in PARTICLES
        if kind == "person" and clause.verb.frame != "both" and not parted and self.chance(0.2):
            others = ("he", "she", "they") if clause.subject.person == 1 else ("I", "we")
            return phrases.pronoun(self.keys, self.choice(others))
        negation = clause.negation if "a" in determiners else None
        phrase = self.noun_phrase(kind, level, determiners, negation)
        clause.said = clause.said or (negation is not None and not phrase.definite)
        return phrase

    def place_of(self, clause: Clause, level: int) -> Adjunct | None:
        """What stands last in the middle of a clause: a place, an aim or a quality, if anything."""
        frame = clause.verb.frame
        if frame == "quality":
            subject = clause.subject
            said = {word.text for word in subject.english}
            some = [
                one for one in self.vocabulary.adjectives[subject.kind] if one.english not in said
            ]
            quality = self.choice([one for one in some if one != subject.adjective])
            key = self.keys.new()
            return Adjunct(words(quality.english, key), words(quality.german, key))
        if frame == "goal":
            return self.place(level, goal=clause.verb)
        if frame == "place" or (frame in ("none", "acc") and self.chance(self.scope.place)):
            return self.place(level)
        return None

    # Phrases

    def noun_phrase(
        self, kind: str, level: int, determiners: Sequence[str], negation: int | None = None
    ) -> NounPhrase:
        """A noun with what may stand before and behind it."""
        noun = self.choice(self.vocabulary.nouns[kind])
        if noun.singular in SPOUSES:
            determiners = [one for one in determiners if one in ("the", "a")]
        if noun.singular in self.vocabulary.synonyms and self.chance(0.5):
            noun = dataclasses.replace(self.vocabulary.synonyms[noun.singular], kind=kind)
        determiner, value = self.choice(determiners), 1
        plural = bool(noun.plural) and self.chance(0.3)
        if (
            plural
            and determiner == "a"
            and negation is None
            and self.chance(self.scope.numbers * 3)
        ):
            value = self.random.randint(2, 12) if self.chance(0.7) else self.random.randint(13, 99)
        adjective = None
        if kind in self.vocabulary.adjectives and self.chance(self.scope.adjective):
            adjective = self.choice(self.vocabulary.adjectives[kind])
        return phrases.noun_phrase(
            self.keys,
            noun,
            determiner,
            adjective=adjective,
            plural=plural,
            value=value,
            negation=negation,
            relative=self.relative(noun, "p" if plural else noun.gender, level + 1, adjective),
        )

    def relative(
        self, noun: Noun, column: str, level: int, adjective: Adjective | None = None
    ) -> Sides | None:
        """A relative clause, if there is one and its verb can be found."""
        if level > self.depth or not self.chance(self.scope.relative):
            return None
        key, kind, plural = self.keys.new(), noun.kind, column == "p"
        frame = self.choice(["subject", "subject", "acc", "dat"])
        if noun.where:
            self.deepest = max(self.deepest, level)
            return self.relative_place(noun, column, level, key)
        if frame == "subject":
            able = [
                v for some in self.vocabulary.verbs.values() for v in some if kind in v.subjects
            ]
            able = [verb for verb in able if verb.frame != "clause"]
        else:
            able = [verb for verb in self.vocabulary.verbs[frame] if kind in verb.objects]
        if not able:
            return None
        self.deepest = max(self.deepest, level)
        verb = self.choice(able)
        case = "nom" if frame == "subject" else frame
        asked = {"nom": "who", "acc": "whom", "dat": "whom"}[case] if kind == "person" else "that"
        left, right = words(asked, key), words(german.cell(german.RELATIVE, case, column), key)
        if frame == "subject":
            who = NounPhrase(
                left,
                lambda _: right,
                plural=plural,
                kind=kind,
                pronoun=True,
                adjective=adjective,
            )
            clause = self.clause(level, verb, who)
            return clause.english(), clause.german_final()
        clause = self.clause(level, verb, bare=True)
        return left + clause.english(), right + clause.german_final()

    def relative_place(self, noun: Noun, column: str, level: int, key: int) -> Sides:
        """In which somebody lives: in dem jemand wohnt."""
        assert noun.where is not None
        at, clause = (
            self.keys.new(),
            self.clause(level, self.choice(self.vocabulary.verbs["none"]), bare=True),
        )
        left = words(noun.where[0], at) + words("which", key)
        right = words(noun.where[1], at) + words(german.cell(german.RELATIVE, "dat", column), key)
        return left + clause.english(), right + clause.german_final()

    def place(self, level: int, *, goal: Verb | None = None) -> Adjunct:
        """Where, or where a verb of motion goes: into what one can be in, to all else."""
        noun = self.choice(self.vocabulary.nouns["place"])
        adjective = None
        if self.chance(self.scope.adjective):
            adjective = self.choice(self.vocabulary.adjectives["place"])
        relative = self.relative(noun, noun.gender, level + 1)
        determiner = self.choice(["the", "the", "the", "a", "our"])
        phrase = phrases.noun_phrase(
            self.keys, noun, determiner, adjective=adjective, relative=relative
        )
        assert noun.where is not None
        prepositions, case = noun.where, "dat"
        if goal:
            inside = noun.where == ("in", "in") and goal.english != "drive"
            prepositions, case = (("into", "in"), "acc") if inside else (("to", "zu"), "dat")
        contract = relative is None
        return phrases.prepositional(self.keys, prepositions, case, phrase, contract=contract)

    def time(self, *, negated: bool) -> Adjunct:
        """A time of the table, an hour or a date; not every day does not go well with nicht."""
        if self.chance(self.scope.numbers):
            if self.chance(0.5):
                return phrases.clock(self.keys, self.random.randint(2, 12))
            month, other = self.choice(self.vocabulary.months)
            last = 28 if month == "February" else 30
            return phrases.date(self.keys, self.random.randint(1, last), (month, other))
        entry = self.choice(self.vocabulary.times)
        while negated and entry.startswith("every"):
            entry = self.choice(self.vocabulary.times)
        return phrases.fixed(self.keys, entry)

    def chance(self, share: float) -> bool:
        """True in a share of the draws."""
        return self.random.random() < share

    def choice(self, some: Sequence[Item]) -> Item:
        """One of some."""
        return some[int(self.random.random() * len(some))]
