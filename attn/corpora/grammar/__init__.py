"""A synchronous grammar: a fragment of English and German, said at once in both languages.

Each rule makes both sides of a phrase or clause from the same parts, so that the alignment of the
words is known. It covers gender, case and number agreement, verb second and verb final, separable
verbs, modals, subordinate and relative clauses, negation, questions, numbers and dates.

Two words are aligned where they say the same thing: do and does with the verb they help, both
parts of a separable verb with the English verb, im with in and the, kein with not and a.
"""

import dataclasses
import random
from collections.abc import Iterator, Sequence

from attn.corpora import Pair, check_split
from attn.corpora.grammar.sampling import Sampler
from attn.corpora.grammar.scope import SCOPES, Vocabulary
from attn.corpora.grammar.sentences import Sentences
from attn.registry import register

# Of each difficulty: training pairs, the most English words and the deepest nesting in training.
PRESETS = {"demo": (20000, 9, 1), "study": (40000, 16, 2)}
# For the split of deep clauses: clauses come often, what else makes sentences long comes rarely.
NESTED = {
    scope: dataclasses.replace(
        scope, relative=0.5, subordinate=0.7, adjective=0.1, time=0.1, place=0.05
    )
    for scope in SCOPES.values()
}
# So many sentences that are not new, one after the other, and the grammar is taken to be used up.
PATIENCE = 1000
TRAIN, DEV, TEST, LONGER, DEEPER = "train", "dev", "test", "longer", "deeper"


@register("dataset", "grammar")
class Grammar:
    """English-German sentences of a grammar of our own, with gold alignments, of any number.

    ``difficulty=demo`` is learned in minutes; ``study`` uses the whole lexicon and nests clauses.
    The splits share no English sentence. In ``longer`` every sentence has more words than any in
    train; in ``deeper`` its clauses are nested deeper; both are at most half as long again. One
    English sentence has one German one, unless ``ambiguity`` lets some nouns have two.

    Raises:
        ValueError: an unknown difficulty, a size below 1.
    """

    def __init__(
        self,
        *,
        difficulty: str = "demo",
        train_size: int | None = None,
        dev_size: int = 200,
        test_size: int = 500,
        seed: int = 1,
        ambiguity: bool = False,
    ) -> None:
        if difficulty not in PRESETS:
            choices = ", ".join(PRESETS)
            raise ValueError(f"difficulty={difficulty}: unknown; choose one of {choices}")
        size, self.most_words, self.depth = PRESETS[difficulty]
        self.sizes = {TRAIN: size if train_size is None else train_size, DEV: dev_size}
        self.sizes |= dict.fromkeys((TEST, LONGER, DEEPER), test_size)
        for name, value in (
            ("train_size", self.sizes[TRAIN]),
            ("dev_size", dev_size),
            ("test_size", test_size),
        ):
            if value < 1:
                raise ValueError(f"{name}={value}: must be at least 1")
        self.source_language, self.target_language = "en", "de"
        self.splits: tuple[str, ...] = (TRAIN, DEV, TEST, LONGER, DEEPER)
        self.scope, self.seed, self.ambiguity = SCOPES[difficulty], seed, ambiguity
        self.vocabulary = Vocabulary(self.scope, ambiguity=ambiguity)

    def read(self, split: str) -> Sequence[Pair]:
        """The pairs of a split; those of dev and test do not depend on how many train has."""
        check_split(self, split)
        if split in (LONGER, DEEPER):
            return self._draw(split, set())
        seen: set[str] = set()
        for name in (TEST, DEV, TRAIN):
            found = self._draw(name, seen)
            seen |= {pair.source for pair in found}
            if name == split:
                return found
        raise AssertionError(split)

    def _draw(self, split: str, seen: set[str]) -> list[Pair]:
        found: dict[str, Pair] = {}
        wanted, misses = self.sizes[split], 0
        for pair in self._candidates(split):
            new = pair.source not in seen and pair.source not in found
            misses = 0 if new else misses + 1
            if new:
                found[pair.source] = pair
            if misses > PATIENCE:
                option = TEST if split in (LONGER, DEEPER) else split
                raise ValueError(
                    f"{option}_size={wanted}: after {len(found)} sentences hardly a new one comes; "
                    "ask for fewer"
                )
            if len(found) == wanted:
                break
        return list(found.values())

    def _candidates(self, split: str) -> Iterator[Pair]:
        """Sentences of the split's own random numbers, length and depth, without end."""
        generator = random.Random(self.seed * len(self.splits) + self.splits.index(split))
        deeper, longer = split == DEEPER, split == LONGER
        depth = self.depth + 1 if deeper else self.depth
        scope = NESTED[self.scope] if deeper else self.scope
        sentences = Sentences(Sampler(scope, self.vocabulary, generator, depth=depth))
        while True:
            pair, deepest = sentences.pair(joined=longer)
            length = (pair.source.count(" ") + 1) / self.most_words
            fits = length <= (1.5 if longer or deeper else 1)
            if fits and (not longer or length > 1) and (not deeper or deepest > self.depth):
                yield pair
