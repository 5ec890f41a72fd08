"""Whole sentences: statements, complex and joined ones, questions."""

from attn.corpora import Pair
from attn.corpora.grammar.clauses import Clause
from attn.corpora.grammar.phrases import NounPhrase
from attn.corpora.grammar.sampling import Sampler, Sides
from attn.corpora.grammar.words import COMMA, sentence, words

WH = {"where": "wo", "when": "wann", "why": "warum"}


class Sentences:
    """Draws sentences out of the parts that a sampler draws."""

    def __init__(self, parts: Sampler) -> None:
        self.parts = parts

    def pair(self, *, joined: bool = False) -> tuple[Pair, int]:
        """A sentence, and how deep its clauses are nested; two joined by a conjunction if asked."""
        self.parts.begin()
        if joined or self.parts.chance(self.parts.scope.joined):
            return sentence(*self.joined(), "."), self.parts.deepest
        if self.parts.chance(self.parts.scope.question):
            return sentence(*self.question(), "?"), self.parts.deepest
        return sentence(*self.statement(), "."), self.parts.deepest

    def joined(self) -> Sides:
        """Two statements with and or but."""
        first, second, key = self.statement(), self.statement(), self.parts.keys.new()
        conjunction, other = self.parts.choice([("and", "und"), ("but", "aber")])
        left = [*first[0], COMMA, *words(conjunction, key), *second[0]]
        return left, [*first[1], COMMA, *words(other, key), *second[1]]

    def statement(self) -> Sides:
        """A main clause, alone or with a subordinate one before or behind it."""
        if self.parts.depth < 1 or not self.parts.chance(self.parts.scope.subordinate):
            return self.main(self.parts.clause(0))
        if self.parts.chance(0.4):
            return self.complement(0)
        english, german = self.subordinate(1)
        clause = self.parts.clause(0)
        if self.parts.chance(0.4):
            return (
                [*english, COMMA, *clause.english()],
                [*german, COMMA, *clause.german_inverted()],
            )
        return [*clause.english(), *english], [*clause.german_main(), COMMA, *german]

    def main(self, clause: Clause) -> Sides:
        """A main clause, now and then with its time or place first."""
        if clause.time and self.parts.chance(0.35):
            return (
                clause.time.english + clause.english(time=False),
                clause.time.german + clause.german_inverted(time=False),
            )
        if clause.place and clause.verb.frame in ("none", "acc") and self.parts.chance(0.35):
            comma = [COMMA] if clause.place.heavy else []
            return (
                clause.place.english + comma + clause.english(place=False),
                clause.place.german + clause.german_inverted(place=False),
            )
        return clause.english(), clause.german_main()

    def complement(self, level: int) -> Sides:
        """Somebody knows that ...; the inner clause may do so again."""
        self.parts.deepest = max(self.parts.deepest, level + 1)
        verb = self.parts.choice(self.parts.vocabulary.verbs["clause"])
        outer = Clause(self.parts.subject(verb, level + 9), verb, self.parts.keys.new())
        if verb.english != "hope" and self.parts.chance(self.parts.scope.negation / 2):
            outer.negation = self.parts.keys.new()
        if level + 1 < self.parts.depth and self.parts.chance(self.parts.scope.subordinate / 2):
            inner = self.complement(level + 1)
        else:
            clause = self.parts.clause(level + 1)
            inner = clause.english(), clause.german_final()
        key = self.parts.keys.new()
        last = outer.german_main() if level == 0 else outer.german_final()
        return (
            outer.english() + words("that", key) + inner[0],
            [*last, COMMA, *words("dass", key), *inner[1]],
        )

    def subordinate(self, level: int) -> Sides:
        """A conjunction and a clause."""
        self.parts.deepest = max(self.parts.deepest, level)
        key, clause = self.parts.keys.new(), self.parts.clause(level)
        some = self.parts.vocabulary.conjunctions
        if clause.negation:  # nothing comes before what is not done
            some = [one for one in some if one[0] != "before"]
        conjunction, other = self.parts.choice(some)
        return words(conjunction, key) + clause.english(), words(other, key) + clause.german_final()

    def question(self) -> Sides:
        """A question to be answered by yes or no, by who, by whom, or by where, when, why."""
        kind = self.parts.random.random()
        if kind < 0.5:
            clause = self.parts.clause(0)
            return clause.english_question(), clause.german_inverted()
        key = self.parts.keys.new()
        if kind < 0.65:
            verb = self.parts.verb("person")
            asked = NounPhrase(words("who", key), lambda _: words("wer", key))
            clause = self.parts.clause(0, verb, asked)
            return clause.english(), clause.german_main()
        if kind < 0.8:
            return self.object_question(key)
        clause = self.parts.clause(
            0, self.parts.choice(self.parts.vocabulary.verbs["none"]), bare=True
        )
        clause.time = None
        one, other = self.parts.choice(list(WH.items()))
        return words(one, key) + clause.english_question(), words(
            other, key
        ) + clause.german_inverted()

    def object_question(self, key: int) -> Sides:
        """Whom does she help? Wem hilft sie?"""
        frame = self.parts.choice(["acc", "acc", "dat"])
        verb = self.parts.choice(self.parts.vocabulary.verbs[frame])
        clause = self.parts.clause(0, verb, bare=True)
        asked = ("whom", "wen" if frame == "acc" else "wem")
        if "person" not in verb.objects:
            asked = ("what", "was")
        return (
            words(asked[0], key) + clause.english_question(),
            words(asked[1], key) + clause.german_inverted(),
        )
