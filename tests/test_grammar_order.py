"""The grammar puts its words in the order of each language, and leaves unsaid what is odd."""

import dataclasses
import random
import re

import pytest
from test_grammar import (
    ADJECTIVES,
    NOUNS,
    VERBS,
    because,
    check,
    clause,
    drawn_of,
    fronted,
    place,
    question,
    rows,
    statement,
    thing,
)

from attn.corpora.grammar import english, phrases
from attn.corpora.grammar.phrases import Adjunct
from attn.corpora.grammar.sampling import Sampler
from attn.corpora.grammar.scope import Scope, Vocabulary
from attn.corpora.grammar.sentences import WH, Sentences
from attn.corpora.grammar.words import Keys, words

# All words, and nothing that may as well be left out.
BARE = Scope(1000, *10 * [0.0])
# What opens a clause in English; what German has before a clause that lies in no other.
RELATIVE = r"\b(who|whom|that|which)\b"
OPENER = rf"{RELATIVE}|because|when|although|while|before|if"
CONJUNCTION = "und|aber|weil|wenn|obwohl|während|bevor|falls"


@pytest.fixture
def keys():
    return Keys()


class Given(Sampler):
    """Has its clauses given, by level, and chooses what it was told where it can."""

    def __init__(self, keys, *clauses, told=(), **scope):
        scope = dataclasses.replace(BARE, **scope)
        vocabulary = Vocabulary(scope, ambiguity=False)
        super().__init__(scope, vocabulary, random.Random(1), depth=len(clauses) - 1)
        self.keys, self.clauses = keys, clauses
        self.told = [one.verb for one in clauses] + list(told)

    def begin(self):
        self.deepest = 0

    def choice(self, some):
        return next((one for one in some if one in self.told), some[0])

    def clause(self, level, verb=None, subject=None, *, bare=False):
        one = self.clauses[level]
        return dataclasses.replace(one, subject=subject or one.subject)


def said(opening, parts):
    """A sentence of these parts that opens with these words."""
    pairs = (Sentences(parts).pair()[0] for _ in range(99))
    return next(pair for pair in pairs if pair.source.startswith(opening))


# Subordinate clauses.


def test_a_dass_clause_ends_in_its_verb(keys):
    dog = thing(keys, "the dog")
    inner = clause(keys, "the boy", "ansehen", accusative=dog, negation=keys.new())
    told = ["she", VERBS["wissen"]]
    check(
        said("She", Given(keys, inner, inner, told=told, subordinate=1.0)),
        "She knows that the boy does not look at the dog.",
        "Sie weiß, dass der Junge den Hund nicht ansieht.",
        "0-0 1-1 2-2 3-3 4-4 5-8 6-7 7-8 8-8 9-5 10-6",
    )


def test_a_dass_clause_before_another_one_ends_in_its_verb(keys):
    inner = clause(keys, "the girl", "tanzen", modal="can")
    told = ["they", VERBS["glauben"]]
    check(
        said("They believe that they", Given(keys, *3 * [inner], told=told, subordinate=1.0)),
        "They believe that they believe that the girl can dance.",
        "Sie glauben, dass sie glauben, dass das Mädchen tanzen kann.",
        "0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-7 8-9 9-8",
    )


def test_a_subordinate_clause_in_front_is_followed_by_the_verb(keys):
    main = clause(keys, "I", "anrufen", accusative=thing(keys, "the king"))
    inner = clause(keys, "the guest", "ankommen")
    check(
        said("When", Given(keys, main, inner, told=[["when", "wenn"]], subordinate=1.0)),
        "When the guest arrives, I call the king.",
        "Wenn der Gast ankommt, rufe ich den König an.",
        "0-0 1-1 2-2 3-3 4-5 5-4 5-8 6-6 7-7",
    )


# Places, and relative clauses.


def test_a_place_in_front_is_followed_by_the_verb(keys):
    poem = thing(keys, "the poem")
    main = clause(keys, "the girl", "lesen", accusative=poem, place=Given(keys).place(0))
    check(
        said("In", Given(keys, main)),
        "In the garden the girl reads the poem.",
        "Im Garten liest das Mädchen das Gedicht.",
        "0-0 1-0 2-1 3-3 4-4 5-2 6-5 7-6",
    )


def where(keys, noun, inner, **goal):
    """A place with a relative clause."""
    return Given(keys, inner, inner, told=[NOUNS[noun]], relative=1.0).place(0, **goal)


@pytest.mark.parametrize(
    ("noun", "left", "right"),
    [
        ("garden", "In the garden in which", "In dem Garten, in dem"),
        ("city", "In the city in which", "In der Stadt, in der"),
        ("farm", "On the farm on which", "Auf dem Bauernhof, auf dem"),
        ("beach", "On the beach on which", "An dem Strand, an dem"),
        ("market", "At the market at which", "Auf dem Markt, auf dem"),
    ],
)
def test_english_has_a_comma_behind_a_place_in_front_that_ends_in_a_clause(keys, noun, left, right):
    there = where(keys, noun, clause(keys, "my sister", "singen"))
    check(
        said(left[:2], Given(keys, clause(keys, "the cat", "schlafen", place=there))),
        f"{left} my sister sings, the cat sleeps.",
        f"{right} meine Schwester singt, schläft die Katze.",
        "0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-7 8-9 9-10 10-8",
    )


@pytest.mark.parametrize(
    ("noun", "left", "right"),
    [
        ("house", "into the house in which", "in das Haus, in dem"),
        ("market", "to the market at which", "zu dem Markt, auf dem"),
        ("school", "to the school at which", "zu der Schule, in der"),
    ],
)
def test_german_draws_nothing_together_before_a_relative_clause(keys, noun, left, right):
    there = where(keys, noun, clause(keys, "we", "warten"), goal=VERBS["gehen"])
    check(
        statement(clause(keys, "the king", "gehen", place=there)),
        f"The king goes {left} we wait.",
        f"Der König geht {right} wir warten.",
        "0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-7 8-8 9-9",
    )


def related(keys, text, frame, inner):
    """One or all of a noun, with a relative clause of which it is the subject or an object."""
    noun, plural = NOUNS[text.split()[-1]], text.startswith("all ")
    parts = Given(keys, inner, inner, told=[frame], relative=1.0)
    sides = parts.relative(noun, "p" if plural else noun.gender, 1)
    return thing(keys, f"the {noun.singular}", plural=plural, relative=sides)


@pytest.mark.parametrize(
    ("text", "frame", "verb", "source", "start", "relative", "end"),
    rows("""
man, dat, helfen, The man whom she helps waits., Der Mann, dem sie hilft, wartet.
aunt, dat, danken, The aunt whom she thanks waits., Die Tante, der sie dankt, wartet.
calf, dat, folgen, The calf that she follows waits., Das Kalb, dem sie folgt, wartet.
all child, dat, danken, The children whom she thanks wait., Die Kinder, denen sie dankt, warten.
all dog, dat, folgen, The dogs that she follows wait., Die Hunde, denen sie folgt, warten.
guest, acc, einladen, The guest whom she invites waits., Der Gast, den sie einlädt, wartet.
all boy, acc, abholen, The boys whom she picks up wait., Die Jungen, die sie abholt, warten.
all boy, subject, lachen, The boys who laugh wait., Die Jungen, die lachen, warten.
"""),
)
def test_a_relative_clause_decides_on_the_case_of_its_pronoun_and_ends_in_its_verb(
    keys, text, frame, verb, source, start, relative, end
):
    subject = related(keys, text, frame, clause(keys, "she", verb))
    pair = statement(clause(keys, subject, "warten"))
    assert (pair.source, pair.target) == (source, f"{start}, {relative}, {end}")


def test_in_the_dative_plural_german_says_denen(keys):
    guests = related(keys, "all guest", "dat", clause(keys, "the king", "zuhören"))
    check(
        statement(clause(keys, "they", "lieben", accusative=guests)),
        "They love the guests whom the king listens to.",
        "Sie lieben die Gäste, denen der König zuhört.",
        "0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-7 8-7",
    )


# Questions.


@pytest.mark.parametrize(
    ("asked", "subject", "verb", "source", "target", "alignment"),
    rows("""
who, she, aufstehen, Who gets up?, Wer steht auf?, 0-0 1-1 1-2 2-1 2-2
acc, she, sehen, Whom does she see?, Wen sieht sie?, 0-0 1-1 2-2 3-1
acc, I, einladen, Whom do I invite?, Wen lade ich ein?, 0-0 1-1 1-3 2-2 3-1 3-3
dat, they, helfen, Whom do they help?, Wem helfen sie?, 0-0 1-1 2-2 3-1
acc, the boy, lesen, What does the boy read?, Was liest der Junge?, 0-0 1-1 2-2 3-3 4-1
where, he, arbeiten, Where does he work?, Wo arbeitet er?, 0-0 1-1 2-2 3-1
when, we, ankommen, When do we arrive?, Wann kommen wir an?, 0-0 1-1 1-3 2-2 3-1 3-3
why, I, tanzen, Why do I dance?, Warum tanze ich?, 0-0 1-1 2-2 3-1
"""),
)
def test_the_verb_follows_what_is_asked_for(keys, asked, subject, verb, source, target, alignment):
    told = [asked, (asked, WH.get(asked))]
    parts = Given(keys, clause(keys, subject, verb), told=told, question=1.0)
    check(said(f"{source.split()[0]} ", parts), source, target, alignment)


# Negation.


@pytest.mark.parametrize(
    ("verb", "text", "source", "target", "alignment"),
    rows("""
schlafen, in in the garden, She does not sleep in the garden., Sie schläft nicht im Garten.,\
 0-0 1-1 2-2 3-1 4-3 5-3 6-4
sitzen, on auf the bridge, She does not sit on the bridge., Sie sitzt nicht auf der Brücke.,\
 0-0 1-1 2-2 3-1 4-3 5-4 6-5
gehen, to zu the market, She does not go to the market., Sie geht nicht zum Markt.,\
 0-0 1-1 2-2 3-1 4-3 5-3 6-4
zurückkommen, to zu our farm, She does not come back to our farm.,\
 Sie kommt nicht zu unserem Bauernhof zurück., 0-0 1-1 1-6 2-2 3-1 3-6 4-1 4-6 5-3 6-4 7-5
"""),
)
def test_nicht_comes_before_a_place_and_a_goal(keys, verb, text, source, target, alignment):
    left, right, noun = text.split(" ", 2)
    there = place(keys, f"{left} {right}", "dat", noun)
    one = clause(keys, "she", verb, place=there, negation=keys.new())
    check(statement(one), source, target, alignment)


def test_nicht_stands_between_a_time_and_a_place(keys):
    today, garden = phrases.fixed(keys, "today = heute"), place(keys, "in in", "dat", "the garden")
    check(
        statement(clause(keys, "he", "warten", place=garden, time=today, negation=keys.new())),
        "He does not wait in the garden today.",
        "Er wartet heute nicht im Garten.",
        "0-0 1-1 2-3 3-1 4-4 5-4 6-5 7-2",
    )


def test_nicht_comes_before_a_predicate_adjective(keys):
    hungry, cats = keys.new(), thing(keys, "my cat", plural=True)
    quality = Adjunct(words("hungry", hungry), words("hungrig", hungry))
    one = clause(keys, cats, "sein", place=quality, negation=keys.new())
    alignment = "0-0 1-1 2-2 3-3 4-4"
    check(statement(one), "My cats are not hungry.", "Meine Katzen sind nicht hungrig.", alignment)
    check(question(one), "Are my cats not hungry?", "Sind meine Katzen nicht hungrig?", alignment)


@pytest.mark.parametrize(
    ("modal", "source", "target", "alignment"),
    rows("""
can, We cannot buy a hat., Wir können keinen Hut kaufen., 0-0 1-1 1-2 2-4 3-2 4-3
should, We should not buy a hat., Wir sollten keinen Hut kaufen., 0-0 1-1 2-2 3-4 4-2 5-3
want to, We do not want to buy a hat., Wir wollen keinen Hut kaufen.,\
 0-0 1-1 2-2 3-1 4-1 5-4 6-2 7-3
"""),
)
def test_kein_stands_between_a_modal_and_its_infinitive(keys, modal, source, target, alignment):
    no = keys.new()
    hat = thing(keys, "a hat", negation=no)
    one = clause(keys, "we", "kaufen", accusative=hat, modal=modal, negation=no, said=True)
    check(statement(one), source, target, alignment)


# Pronouns as objects come first, but for a subject that is one as well.


def done_to(keys, pronoun, subject, verb, **more):
    """A clause with a pronoun as its object."""
    case = "dative" if VERBS[verb].frame == "dat" else "accusative"
    return clause(keys, subject, verb, **{case: phrases.pronoun(keys, pronoun)}, **more)


@pytest.mark.parametrize(
    ("subject", "source", "target", "alignment"),
    rows("""
a queen, On Wednesday a queen listens to me., Am Mittwoch hört mir eine Königin zu.,\
 0-0 1-1 2-4 3-5 4-2 4-6 5-2 5-6 6-3
she, On Wednesday she listens to me., Am Mittwoch hört sie mir zu.,\
 0-0 1-1 2-3 3-2 3-5 4-2 4-5 5-4
"""),
)
def test_behind_a_time_a_pronoun_comes_before_a_noun(keys, subject, source, target, alignment):
    wednesday = phrases.fixed(keys, "on Wednesday = am Mittwoch")
    one = done_to(keys, "I", subject, "zuhören", time=wednesday)
    check(fronted(one), source, target, alignment)


@pytest.mark.parametrize(
    ("subject", "right", "alignment"),
    rows("""
the painter, uns der Maler, 3-4 4-5 5-7 6-6 7-7 8-7 9-3
he, er uns, 3-3 4-6 5-5 6-6 7-6 8-4
"""),
)
def test_behind_a_conjunction_a_pronoun_comes_before_a_noun(keys, subject, right, alignment):
    reason = done_to(keys, "we", subject, "ansehen", negation=keys.new())
    check(
        because(keys, clause(keys, "we", "weinen"), reason),
        f"We cry because {subject} does not look at us.",
        f"Wir weinen, weil {right} nicht ansieht.",
        f"0-0 1-1 2-2 {alignment}",
    )


@pytest.mark.parametrize(
    ("subject", "source", "target", "alignment"),
    rows("""
the judge, Does the judge help him?, Hilft ihm der Richter?, 0-0 1-2 2-3 3-0 4-1
she, Does she help him?, Hilft sie ihm?, 0-0 1-1 2-0 3-2
"""),
)
def test_in_a_question_a_pronoun_comes_before_a_noun(keys, subject, source, target, alignment):
    check(question(done_to(keys, "he", subject, "helfen")), source, target, alignment)


def test_behind_its_subject_and_verb_a_pronoun_comes_before_all_else(keys):
    today = phrases.fixed(keys, "today = heute")
    check(
        statement(done_to(keys, "they", "the nurse", "einladen", time=today, negation=keys.new())),
        "The nurse does not invite them today.",
        "Die Pflegerin lädt sie heute nicht ein.",
        "0-0 1-1 2-2 2-6 3-5 4-2 4-6 5-3 6-4",
    )


# Some thousand sentences, and what is said in none.


@pytest.fixture(scope="module")
def splits():
    names = ("demo", "study")
    drawn = drawn_of([{"difficulty": name, "train_size": 4001} for name in names])
    return dict(zip(names, drawn, strict=True))


@pytest.fixture(scope="module")
def pairs(splits):
    return [pair for some in splits.values() for split in some.values() for pair in split]


def found(pattern, pairs):
    """The English sentences that say such a thing."""
    return [pair.source for pair in pairs if re.search(pattern, pair.source, re.IGNORECASE)]


def test_february_has_28_days():
    scope = dataclasses.replace(BARE, numbers=1.0)
    vocabulary = Vocabulary(scope, ambiguity=False)
    vocabulary.months = [["February", "Februar"]]
    sampler = Sampler(scope, vocabulary, random.Random(1), depth=0)
    times = [[word.text for word in sampler.time(negated=False).english] for _ in range(600)]
    days = {time[-3] for time in times if time[-1] == "February"}
    assert days == {english.ordinal(day) for day in range(1, 29)}


@pytest.mark.long
def test_no_pronoun_stands_behind_a_particle(pairs):
    assert found(r"\bpicks? up (the|my|his|our)\b", pairs)
    assert not found(r"\b(up|on|off|away) (me|us|him|her|them)\b", pairs)


@pytest.mark.long
def test_persons_essen_and_animals_fressen(pairs):
    kinds = {form: noun.kind for noun in NOUNS.values() for form in (noun.singular, noun.plural)}
    eaters = set()
    for pair in pairs:
        left, right = pair.source.split(), pair.target.lower().split()
        for i, j in pair.alignment:
            # Where there is no relative clause, a noun before eat is its subject.
            if left[i].startswith("eat") and left[i - 1] in kinds and not found(RELATIVE, [pair]):
                eaters.add((kinds[left[i - 1]], right[j].startswith("fr")))
    assert eaters == {("person", False), ("animal", True)}


@pytest.mark.long
def test_nothing_comes_before_what_is_not_done(pairs):
    assert found(r"\bbefore\b", pairs)
    assert not found(rf"\bbefore\b((?! {RELATIVE})[^,.])* (not|cannot)\b", pairs)


@pytest.mark.long
def test_nobody_says_my_man(pairs):
    assert found(r"\b(the|a) (\w+ )?(man|woman)\b", pairs)
    assert not found(r"\b(my|his|her|our) (\w+ )?(man|men|woman|women)\b", pairs)


@pytest.mark.long
def test_nobody_says_that_the_old_are_old(pairs):
    old = f"({'|'.join(ADJECTIVES)})"
    assert found(rf"\b{old} \w+ (is|are) (not )?{old}\b", pairs)
    assert not found(rf"\b{old} \w+ (who |that )?(is|are) (not )?\1\b", pairs)
    assert not found(rf"\b(?:is|are) (?:\w+ )?{old} \w+ (?:not )?\1\b", pairs)


# What the splits longer and deeper are.


@pytest.mark.long
def test_longer_is_longer_than_all_of_a_large_train(splits):
    for some in splits.values():
        train, longer = ([len(p.source.split()) for p in some[s]] for s in ("train", "longer"))
        assert max(train) < min(longer)


def nesting(pair):
    """How many clauses are open at once in German: a comma ends one, or stands before another."""
    left, right = re.findall(r"[\w'-]+", pair.source), pair.target.split()
    left[0] = "" if pair.source.endswith("?") else left[0].lower()
    opened = {j - (left[i] == "which") for i, j in pair.alignment if re.fullmatch(OPENER, left[i])}
    depths = [0]
    for j, word in enumerate(right):
        depths.append(depths[-1] + (j in opened))
        if word.endswith(",") and re.fullmatch(CONJUNCTION, right[j + 1]):
            depths.append(0)
        elif word.endswith(",") and j + 1 not in opened:
            depths.append(depths[-1] - 1)
    return max(depths)


@pytest.mark.long
@pytest.mark.parametrize(("difficulty", "most"), [("demo", 1), ("study", 2)])
def test_deeper_is_nested_by_one_clause_more_than_train(splits, difficulty, most):
    some = splits[difficulty]
    assert max(nesting(pair) for pair in some["train"]) == most
    assert {nesting(pair) for pair in some["deeper"]} == {most + 1}
