"""Clauses: one set of parts, and the order in which each language says them."""

import dataclasses

from attn.corpora.grammar import english, german
from attn.corpora.grammar.lexicon import Verb
from attn.corpora.grammar.phrases import Adjunct, NounPhrase
from attn.corpora.grammar.words import Word, Words, words


@dataclasses.dataclass
class Clause:
    """What a clause says.

    German has between its verbs, in this order: pronouns, definite objects (dative first), times,
    nicht, indefinite objects, places and qualities. A negated indefinite object says kein, so that
    nicht is left out; ``said`` is then true.
    """

    subject: NounPhrase
    verb: Verb
    verb_key: int
    dative: NounPhrase | None = None
    accusative: NounPhrase | None = None
    place: Adjunct | None = None
    time: Adjunct | None = None
    modal: tuple[str, str, int] | None = None
    negation: int | None = None
    said: bool = False

    # English

    def english(self, *, time: bool = True, place: bool = True) -> Words:
        """Subject, verbs, objects, place, time."""
        auxiliary, rest = self.english_verbs()
        return self.subject.english + auxiliary + rest + self.english_rest(time=time, place=place)

    def english_question(self, *, place: bool = True) -> Words:
        """The auxiliary or be before the subject, from the verb on as in a statement."""
        auxiliary, rest = self.english_verbs(inverted=True)
        return auxiliary + self.subject.english + rest + self.english_rest(place=place)

    def english_verbs(self, *, inverted: bool = False) -> tuple[Words, Words]:
        """What stands before the subject in a question, and what always follows it."""
        person, plural, key = self.subject.person, self.subject.plural, self.verb_key
        no = words("not", self.negation) if self.negation else []
        base = words(self.verb.english, key)
        if self.modal and self.modal[0] != "want to":
            return self._english_modal(self.modal[0], self.modal[2], no, inverted=inverted)
        if self.verb.english == "be":
            return words(english.finite(self.verb, person, plural), key), no
        helper = key
        form = words(english.finite(self.verb, person, plural), key)
        if self.modal:
            helper = self.modal[2]
            want = "wants to" if person == 3 and not plural else "want to"
            form, base = words(want, helper) + base, words("want to", helper) + base
        if no or inverted:
            return words(english.do(person, plural), helper), no + base
        return [], form

    def _english_modal(
        self, name: str, key: int, no: Words, *, inverted: bool
    ) -> tuple[Words, Words]:
        base = words(self.verb.english, self.verb_key)
        if name == "can" and no and not inverted:
            return [Word("cannot", no[0].keys | {key})], base
        return words(name, key), no + base

    def english_rest(self, *, time: bool = True, place: bool = True) -> Words:
        """What follows the verbs."""
        rest: Words = []
        for one in (self.dative, self.accusative):
            rest += one.as_object() if one else []
        rest += self.place.english if self.place and place else []
        return rest + (self.time.english if self.time and time else [])

    # German

    def german_verbs(self) -> tuple[str, Words, Words]:
        """The finite verb without its prefix, under its key, and what ends a main clause."""
        subject, key, prefix = self.subject, self.verb_key, self.verb.prefix
        if self.modal:
            form = german.modal(self.modal[1], subject.plural)
            return form, words(form, self.modal[2]), words(prefix + self.verb.german, key)
        form = german.finite(self.verb, subject.person, subject.plural)
        return form, words(form, key), words(prefix, key)

    def middle(self, *, time: bool = True, place: bool = True) -> Words:
        """What German has between the subject and the last verb, but for pronouns."""
        first: Words = []
        late: Words = []
        for case, one in (("dat", self.dative), ("acc", self.accusative)):
            if one and one.pronoun:
                continue
            if one and (one.definite or case == "dat"):
                first += one.german(case)
            elif one:
                late += one.german(case)
        first += self.time.german if self.time and time else []
        first += words("nicht", self.negation) if self.negation and not self.said else []
        return first + late + (self.place.german if self.place and place else [])

    def pronouns(self) -> Words:
        """The objects that are pronouns."""
        both = (("acc", self.accusative), ("dat", self.dative))
        return [word for case, one in both if one and one.pronoun for word in one.german(case)]

    def german_start(self) -> Words:
        """The subject where it is not first: a pronoun comes before a noun, hilft mir der Mann."""
        subject, pronouns = self.subject.german("nom"), self.pronouns()
        return subject + pronouns if self.subject.pronoun else pronouns + subject

    def german_main(self) -> Words:
        """Verb second, the subject first."""
        _, finite, last = self.german_verbs()
        return self.subject.german("nom") + finite + self.pronouns() + self.middle() + last

    def german_inverted(self, *, time: bool = True, place: bool = True) -> Words:
        """The verb before the subject: behind a first part, or in a question."""
        _, finite, last = self.german_verbs()
        return finite + self.german_start() + self.middle(time=time, place=place) + last

    def german_final(self) -> Words:
        """Verb final, as in subordinate clauses; a separable prefix is not parted."""
        return self.german_start() + self.german_predicate_final()

    def german_predicate_final(self) -> Words:
        """The same without the subject, as in relative clauses."""
        form, finite, last = self.german_verbs()
        if self.modal or not last:
            return self.middle() + last + finite
        return self.middle() + words(self.verb.prefix + form, self.verb_key)
