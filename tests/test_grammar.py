"""The grammar says the same in English and German, correctly, and knows which words correspond."""

import itertools
import json
import re
import subprocess
import sys

import pytest
from messages import exactly

from attn import registry
from attn.corpora import Corpus, Pair
from attn.corpora.grammar import Grammar, english, german, lexicon, phrases
from attn.corpora.grammar.clauses import Clause
from attn.corpora.grammar.phrases import Adjunct, NounPhrase
from attn.corpora.grammar.words import COMMA, Keys, sentence, words

NOUNS = {noun.singular: noun for some in lexicon.nouns().values() for noun in some}
ADJECTIVES = {one.english: one for some in lexicon.adjectives().values() for one in some}
VERBS = {verb.prefix + verb.german: verb for verb in lexicon.verbs()}
MODALS = {
    "can": "können",
    "want to": "wollen",
    "must": "müssen",
    "should": "sollten",
    "may": "dürfen",
}
CELLS = list(itertools.product(("nom", "acc", "dat"), "mfnp"))


def rows(table):
    """The rows of a table, their fields parted by commas."""
    return [[field.strip() for field in row.split(",")] for row in table.strip().splitlines()]


# German words. In the tables: nominative, accusative, dative; masculine, feminine, neuter, plural.


@pytest.mark.parametrize(
    ("form", "table"),
    [
        (german.article, "der die das die  den die das die  dem der dem den"),
        (
            lambda *cell: german.cell(german.RELATIVE, *cell),
            "der die das die  den die das die  dem der dem denen",
        ),
        (
            lambda *cell: german.determiner("kein", *cell),
            "kein keine kein keine  keinen keine kein keine  keinem keiner keinem keinen",
        ),
        (
            lambda *cell: german.determiner("mein", *cell),
            "mein meine mein meine  meinen meine mein meine  meinem meiner meinem meinen",
        ),
        (
            lambda *cell: german.adjective("alt", german.WEAK, *cell),
            "alte alte alte alten  alten alte alte alten  alten alten alten alten",
        ),
        (
            lambda *cell: german.adjective("alt", german.MIXED, *cell),
            "alter alte altes alten  alten alte altes alten  alten alten alten alten",
        ),
        (
            lambda *cell: german.adjective("alt", german.STRONG, *cell),
            "alter alte altes alte  alten alte altes alte  altem alter altem alten",
        ),
    ],
    ids=["article", "relative", "kein", "mein", "weak", "mixed", "strong"],
)
def test_case_gender_and_number_are_told_by_the_ending(form, table):
    assert [form(case, column) for case, column in CELLS] == table.split()


def test_ein_is_declined_in_the_singular():
    said = [german.determiner("ein", case, column) for case, column in CELLS if column != "p"]
    assert said == ["ein", "eine", "ein", "einen", "eine", "ein", "einem", "einer", "einem"]


# Weak masculine nouns end in n but in the nominative.
# Dative plurals end in n, but for those in s.
@pytest.mark.parametrize(
    ("noun", "singular", "plural"),
    rows("""
bear, Bär Bären Bären, Bären Bären Bären
boy, Junge Jungen Jungen, Jungen Jungen Jungen
neighbour, Nachbar Nachbarn Nachbarn, Nachbarn Nachbarn Nachbarn
student, Student Studenten Studenten, Studenten Studenten Studenten
man, Mann Mann Mann, Männer Männer Männern
child, Kind Kind Kind, Kinder Kinder Kindern
apple, Apfel Apfel Apfel, Äpfel Äpfel Äpfeln
window, Fenster Fenster Fenster, Fenster Fenster Fenstern
daughter, Tochter Tochter Tochter, Töchter Töchter Töchtern
girl, Mädchen Mädchen Mädchen, Mädchen Mädchen Mädchen
queen, Königin Königin Königin, Königinnen Königinnen Königinnen
car, Auto Auto Auto, Autos Autos Autos
"""),
)
def test_nouns_change_with_case_and_number(noun, singular, plural):
    for number, forms in ((False, singular), (True, plural)):
        said = [german.noun(NOUNS[noun], case, number) for case in german.CASES]
        assert said == forms.split()


@pytest.mark.parametrize(
    ("infinitive", "first", "third", "plural"),
    rows("""
sein, bin, ist, sind
haben, habe, hat, haben
wissen, weiß, weiß, wissen
sehen, sehe, sieht, sehen
lesen, lese, liest, lesen
essen, esse, isst, essen
geben, gebe, gibt, geben
helfen, helfe, hilft, helfen
vergessen, vergesse, vergisst, vergessen
wegwerfen, werfe, wirft, werfen
laufen, laufe, läuft, laufen
fahren, fahre, fährt, fahren
schlafen, schlafe, schläft, schlafen
tragen, trage, trägt, tragen
waschen, wasche, wäscht, waschen
einladen, lade, lädt, laden
ansehen, sehe, sieht, sehen
ankommen, komme, kommt, kommen
aufstehen, stehe, steht, stehen
arbeiten, arbeite, arbeitet, arbeiten
warten, warte, wartet, warten
finden, finde, findet, finden
reden, rede, redet, reden
tanzen, tanze, tanzt, tanzen
leihen, leihe, leiht, leihen
"""),
)
def test_verbs_agree_with_their_subject(infinitive, first, third, plural):
    verb = VERBS[infinitive]
    assert [german.finite(verb, person, False) for person in (1, 3)] == [first, third]
    assert [german.finite(verb, person, True) for person in (1, 3)] == [plural, plural]


@pytest.mark.parametrize(
    ("infinitive", "singular"),
    rows("""
können, kann
wollen, will
müssen, muss
sollten, sollte
dürfen, darf
"""),
)
def test_modals_have_no_ending_in_the_singular(infinitive, singular):
    assert german.modal(infinitive, False) == singular
    assert german.modal(infinitive, True) == infinitive


# English words.


@pytest.mark.parametrize(
    ("infinitive", "base", "third"),
    rows("""
haben, have, has
gehen, go, goes
waschen, wash, washes
tragen, carry, carries
eilen, hurry, hurries
kaufen, buy, buys
spielen, play, plays
abholen, pick up, picks up
zuhören, listen to, listens to
ansehen, look at, looks at
sehen, see, sees
"""),
)
def test_the_english_third_person_ends_in_s(infinitive, base, third):
    verb = VERBS[infinitive]
    forms = [english.finite(verb, *who) for who in ((1, False), (1, True), (3, True), (3, False))]
    assert forms == [base, base, base, third]


def test_to_be_and_to_do_agree():
    who = [(1, False), (1, True), (3, True), (3, False)]
    assert [english.finite(VERBS["sein"], *one) for one in who] == ["am", "are", "are", "is"]
    assert [english.do(*one) for one in who] == ["do", "do", "do", "does"]


# Numbers.


@pytest.mark.parametrize(
    ("value", "left", "right"),
    rows("""
2, two, zwei
7, seven, sieben
11, eleven, elf
12, twelve, zwölf
13, thirteen, dreizehn
16, sixteen, sechzehn
17, seventeen, siebzehn
19, nineteen, neunzehn
20, twenty, zwanzig
21, twenty-one, einundzwanzig
30, thirty, dreißig
43, forty-three, dreiundvierzig
66, sixty-six, sechsundsechzig
77, seventy-seven, siebenundsiebzig
80, eighty, achtzig
99, ninety-nine, neunundneunzig
"""),
)
def test_numbers(value, left, right):
    assert (english.number(int(value)), german.number(int(value))) == (left, right)


@pytest.mark.parametrize(
    ("value", "left", "right"),
    rows("""
1, first, ersten
2, second, zweiten
3, third, dritten
4, fourth, vierten
5, fifth, fünften
7, seventh, siebten
8, eighth, achten
9, ninth, neunten
12, twelfth, zwölften
17, seventeenth, siebzehnten
19, nineteenth, neunzehnten
20, twentieth, zwanzigsten
21, twenty-first, einundzwanzigsten
23, twenty-third, dreiundzwanzigsten
30, thirtieth, dreißigsten
"""),
)
def test_days_of_a_month(value, left, right):
    assert (english.ordinal(int(value)), german.ordinal(int(value))) == (left, right)


# Phrases and clauses, made of parts by hand.


@pytest.fixture
def keys():
    return Keys()


def thing(keys, text, **more):
    """A noun phrase of the words that English has in it, with an adjective or not."""
    determiner, *described, noun = text.split()
    adjective = ADJECTIVES[described[0]] if described else None
    return phrases.noun_phrase(keys, NOUNS[noun], determiner, adjective=adjective, **more)


@pytest.mark.parametrize(
    ("text", "more", "forms"),
    [
        ("the young man", {}, "der junge Mann, den jungen Mann, dem jungen Mann"),
        ("a young man", {}, "ein junger Mann, einen jungen Mann, einem jungen Mann"),
        ("her new book", {}, "ihr neues Buch, ihr neues Buch, ihrem neuen Buch"),
        ("our old cat", {}, "unsere alte Katze, unsere alte Katze, unserer alten Katze"),
        ("a cold coffee", {}, "kalter Kaffee, kalten Kaffee, kaltem Kaffee"),
        ("a fresh milk", {}, "frische Milch, frische Milch, frischer Milch"),
        ("a old dog", {"plural": True}, "alte Hunde, alte Hunde, alten Hunden"),
        (
            "my old dog",
            {"plural": True},
            "meine alten Hunde, meine alten Hunde, meinen alten Hunden",
        ),
        ("a expensive hat", {}, "ein teurer Hut, einen teuren Hut, einem teuren Hut"),
        (
            "a cold coffee",
            {"negation": 99},
            "kein kalter Kaffee, keinen kalten Kaffee, keinem kalten Kaffee",
        ),
    ],
)
def test_the_determiner_decides_how_an_adjective_ends(keys, text, more, forms):
    phrase = thing(keys, text, **more)
    said = [" ".join(word.text for word in phrase.german(case)) for case in german.CASES]
    assert said == forms.split(", ")


def clause(keys, subject, verb, *, modal=None, **more):
    """A clause of a subject, by its English words or itself, and a verb, by its German ones."""
    if isinstance(subject, str):
        made = phrases.pronoun if subject in phrases.PRONOUNS else thing
        subject = made(keys, subject)
    if modal:
        more["modal"] = (modal, MODALS[modal], keys.new())
    return Clause(subject, VERBS[verb], keys.new(), **more)


def statement(one):
    return sentence(one.english(), one.german_main(), ".")


def question(one):
    return sentence(one.english_question(), one.german_inverted(), "?")


def fronted(one):
    left = one.time.english + one.english(time=False)
    return sentence(left, one.time.german + one.german_inverted(time=False), ".")


def because(keys, main, reason):
    """A main clause and the reason behind it."""
    key = keys.new()
    left = main.english() + words("because", key) + reason.english()
    right = [*main.german_main(), COMMA, *words("weil", key), *reason.german_final()]
    return sentence(left, right, ".")


def check(pair, source, target, alignment):
    """The whole pair; the alignment as source and target places."""
    expected = [tuple(int(place) for place in one.split("-")) for one in alignment.split()]
    assert (pair.source, pair.target) == (source, target)
    assert sorted(pair.alignment) == sorted(expected)


def test_the_verb_is_second(keys):
    check(
        statement(clause(keys, "the dog", "sehen", accusative=thing(keys, "the old man"))),
        "The dog sees the old man.",
        "Der Hund sieht den alten Mann.",
        "0-0 1-1 2-2 3-3 4-4 5-5",
    )


def test_the_verb_stays_second_behind_a_time(keys):
    evening = phrases.fixed(keys, "in the evening = am Abend")
    check(
        fronted(clause(keys, "my sister", "singen", time=evening)),
        "In the evening my sister sings.",
        "Am Abend singt meine Schwester.",
        "0-0 1-0 2-1 3-3 4-4 5-2",
    )


def test_a_time_stands_behind_a_definite_object_and_before_an_indefinite_one(keys):
    for determiner, order in (("the", "das Gedicht heute"), ("a", "heute ein Gedicht")):
        poem, today = thing(keys, f"{determiner} poem"), phrases.fixed(keys, "today = heute")
        pair = statement(clause(keys, "the girl", "lesen", accusative=poem, time=today))
        assert pair.source == f"The girl reads {determiner} poem today."
        assert pair.target == f"Das Mädchen liest {order}."


def test_a_main_clause_parts_a_separable_verb(keys):
    check(
        statement(clause(keys, "the woman", "ausschalten", accusative=thing(keys, "the machine"))),
        "The woman turns off the machine.",
        "Die Frau schaltet die Maschine aus.",
        "0-0 1-1 2-2 2-5 3-2 3-5 4-3 5-4",
    )


def test_a_subordinate_clause_ends_in_its_verb_and_does_not_part_it(keys):
    main = clause(keys, "I", "hören", accusative=thing(keys, "the king"))
    check(
        because(keys, main, clause(keys, "he", "aufstehen")),
        "I hear the king because he gets up.",
        "Ich höre den König, weil er aufsteht.",
        "0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-6",
    )


def test_a_subordinate_clause_ends_in_its_modal(keys):
    check(
        because(keys, clause(keys, "we", "lachen"), clause(keys, "the boy", "tanzen", modal="can")),
        "We laugh because the boy can dance.",
        "Wir lachen, weil der Junge tanzen kann.",
        "0-0 1-1 2-2 3-3 4-4 5-6 6-5",
    )


def test_a_modal_sends_the_infinitive_to_the_end(keys):
    book = thing(keys, "the new book")
    check(
        statement(clause(keys, "we", "lesen", accusative=book, modal="want to")),
        "We want to read the new book.",
        "Wir wollen das neue Buch lesen.",
        "0-0 1-1 2-1 3-5 4-2 5-3 6-4",
    )


def test_a_modal_joins_a_separable_verb(keys):
    radio = thing(keys, "the radio")
    check(
        statement(clause(keys, "she", "einschalten", accusative=radio, modal="must")),
        "She must turn on the radio.",
        "Sie muss das Radio einschalten.",
        "0-0 1-1 2-4 3-4 4-2 5-3",
    )


def test_english_asks_with_do_and_german_with_the_verb(keys):
    check(
        question(clause(keys, "the boy", "besuchen", accusative=thing(keys, "his uncle"))),
        "Does the boy visit his uncle?",
        "Besucht der Junge seinen Onkel?",
        "0-0 1-1 2-2 3-0 4-3 5-4",
    )


def test_nicht_stands_behind_a_definite_object(keys):
    subject, bear = thing(keys, "the child", plural=True), thing(keys, "the bear")
    check(
        statement(clause(keys, subject, "kennen", accusative=bear, negation=keys.new())),
        "The children do not know the bear.",
        "Die Kinder kennen den Bären nicht.",
        "0-0 1-1 2-2 3-5 4-2 5-3 6-4",
    )


def test_kein_says_both_not_and_a(keys):
    no = keys.new()
    egg = thing(keys, "a egg", negation=no)
    check(
        statement(clause(keys, "the cook", "kaufen", accusative=egg, negation=no, said=True)),
        "The cook does not buy an egg.",
        "Der Koch kauft kein Ei.",
        "0-0 1-1 2-2 3-3 4-2 5-3 6-4",
    )


def test_cannot_says_both_can_and_not(keys):
    check(
        statement(clause(keys, "he", "schlafen", modal="can", negation=keys.new())),
        "He cannot sleep.",
        "Er kann nicht schlafen.",
        "0-0 1-1 1-2 2-3",
    )


def test_some_verbs_take_the_dative(keys):
    horses = thing(keys, "the old horse", plural=True)
    check(
        statement(clause(keys, "I", "vertrauen", dative=horses)),
        "I trust the old horses.",
        "Ich vertraue den alten Pferden.",
        "0-0 1-1 2-2 3-3 4-4",
    )


def test_the_dative_comes_before_the_accusative(keys):
    boy, watch = thing(keys, "the boy"), thing(keys, "a new watch")
    check(
        statement(clause(keys, "the aunt", "geben", dative=boy, accusative=watch)),
        "The aunt gives the boy a new watch.",
        "Die Tante gibt dem Jungen eine neue Uhr.",
        "0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-7",
    )


def test_a_predicate_adjective_has_no_ending(keys):
    tired, key = ADJECTIVES["tired"], keys.new()
    quality = Adjunct(words(tired.english, key), words(tired.german, key))
    subject = thing(keys, "our old cat", plural=True)
    check(
        question(clause(keys, subject, "sein", place=quality)),
        "Are our old cats tired?",
        "Sind unsere alten Katzen müde?",
        "0-0 1-1 2-2 3-3 4-4",
    )


def test_commas_stand_around_a_relative_clause(keys):
    key = keys.new()
    who = NounPhrase(words("who", key), lambda _: words("der", key))
    inner = clause(keys, who, "ankommen")
    subject = thing(keys, "the man", relative=(inner.english(), inner.german_final()))
    key = keys.new()
    inner = clause(keys, "he", "sehen")
    sides = words("that", key) + inner.english(), words("den", key) + inner.german_final()
    check(
        statement(
            clause(keys, subject, "lieben", accusative=thing(keys, "a bird", relative=sides))
        ),
        "The man who arrives loves a bird that he sees.",
        "Der Mann, der ankommt, liebt einen Vogel, den er sieht.",
        "0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-7 8-8 9-9",
    )


def place(keys, prepositions, case, text, *, contract=True):
    prepositions = tuple(prepositions.split())
    return phrases.prepositional(keys, prepositions, case, thing(keys, text), contract=contract)


def test_a_contraction_says_both_preposition_and_article(keys):
    check(
        statement(clause(keys, "the cat", "liegen", place=place(keys, "in in", "dat", "the park"))),
        "The cat lies in the park.",
        "Die Katze liegt im Park.",
        "0-0 1-1 2-2 3-3 4-3 5-4",
    )


@pytest.mark.parametrize(
    ("prepositions", "case", "text", "left", "right"),
    rows("""
in in, dat, the garden, in the garden, im Garten
in in, dat, the kitchen, in the kitchen, in der Küche
in in, dat, a house, in a house, in einem Haus
into in, acc, the house, into the house, ins Haus
into in, acc, the city, into the city, in die Stadt
at an, dat, the big station, at the big station, am großen Bahnhof
at an, dat, the old lake, at the old lake, am alten See
on auf, dat, the bridge, on the bridge, auf der Brücke
to zu, dat, the market, to the market, zum Markt
to zu, dat, the school, to the school, zur Schule
to zu, dat, our school, to our school, zu unserer Schule
"""),
)
def test_prepositions_draw_articles_in(keys, prepositions, case, text, left, right):
    one = place(keys, prepositions, case, text)
    assert " ".join(word.text for word in one.english) == left
    assert " ".join(word.text for word in one.german) == right


@pytest.mark.parametrize("text", ["an apple", "an old dog", "an uncle", "an honest girl", "a hat"])
def test_english_says_an_before_a_vowel(keys, text):
    phrase = thing(keys, f"a {text.partition(' ')[2]}")
    assert " ".join(word.text for word in phrase.english) == text


def test_a_date_is_said_as_an_ordinal(keys):
    day = phrases.date(keys, 21, ("May", "Mai"))
    check(
        fronted(clause(keys, thing(keys, "the guest", plural=True), "ankommen", time=day)),
        "On the twenty-first of May the guests arrive.",
        "Am einundzwanzigsten Mai kommen die Gäste an.",
        "0-0 1-0 2-1 3-2 4-2 5-4 6-5 7-3 7-6",
    )


def test_an_hour_is_said_as_a_number(keys):
    subject = thing(keys, "a young fox", plural=True, value=23)
    check(
        statement(clause(keys, subject, "schwimmen", time=phrases.clock(keys, 7))),
        "Twenty-three young foxes swim at seven o'clock.",
        "Dreiundzwanzig junge Füchse schwimmen um sieben Uhr.",
        "0-0 1-1 2-2 3-3 4-4 5-5 6-6",
    )


# Samples of both difficulties.

SIZES = {"train_size": 307, "dev_size": 53, "test_size": 61}


DRAW = """
import json, sys
from attn.corpora.grammar import Grammar
splits, *several = json.loads(sys.argv[1])
for corpus in (Grammar(**options) for options in several):
    made = {split: corpus.read(split) for split in splits or corpus.splits}
    print(json.dumps({split: [vars(pair) for pair in some] for split, some in made.items()}))
"""


def drawn(*splits, **options):
    """All splits of a grammar, or some."""
    (made,) = drawn_of([options], *splits)
    return made


def drawn_of(several, *splits):
    """All splits of grammars, or some; of a process of its own, where types are not checked.

    To check the types of every part of every sentence takes a hundred times as long.
    """
    asked = json.dumps([splits, *({**SIZES, **options} for options in several)])
    done = subprocess.run([sys.executable, "-c", DRAW, asked], stdout=subprocess.PIPE, check=True)
    return [
        {
            split: [
                Pair(one["source"], one["target"], tuple(map(tuple, one["alignment"])))
                for one in some
            ]
            for split, some in json.loads(line).items()
        }
        for line in done.stdout.splitlines()
    ]


@pytest.fixture(scope="module", params=["demo", "study"])
def difficulty(request):
    return request.param


@pytest.fixture(scope="module")
def splits(difficulty):
    return drawn(difficulty=difficulty)


@pytest.fixture(scope="module")
def pairs(splits):
    return [pair for some in splits.values() for pair in some]


def test_a_grammar_is_a_corpus_of_the_sizes_asked_for(splits):
    corpus = registry.build("dataset", {"name": "grammar"})
    assert isinstance(corpus, Grammar)
    assert isinstance(corpus, Corpus)
    assert (corpus.source_language, corpus.target_language) == ("en", "de")
    assert corpus.splits == tuple(splits) == ("train", "dev", "test", "longer", "deeper")
    assert [len(some) for some in splits.values()] == [307, 53, 61, 61, 61]


@pytest.mark.long
def test_the_same_options_give_the_same_pairs_in_whatever_order_they_are_read(difficulty, splits):
    assert drawn(*reversed(splits), difficulty=difficulty) == splits


@pytest.mark.long
def test_another_seed_gives_other_pairs(difficulty, splits):
    other = drawn(difficulty=difficulty, seed=2)
    assert all(other[split] != splits[split] for split in splits)


@pytest.mark.long
def test_only_train_depends_on_its_size(difficulty, splits):
    larger = drawn(difficulty=difficulty, train_size=401)
    assert larger.pop("train")[:307] == splits["train"]
    assert larger == {split: some for split, some in splits.items() if split != "train"}


def test_splits_share_no_english_sentence(pairs):
    assert len({pair.source for pair in pairs}) == len(pairs)


@pytest.mark.long
def test_an_english_sentence_has_one_german_one(difficulty, splits):
    german_of = {pair.source: pair.target for pair in splits["train"]}
    shared = 0
    others = [{"difficulty": difficulty, "seed": seed} for seed in range(2, 12)]
    for other in drawn_of(others, "train"):
        for pair in other["train"]:
            shared += pair.source in german_of
            assert german_of.setdefault(pair.source, pair.target) == pair.target
    assert shared > 0


def test_every_word_has_its_place_in_the_alignment(pairs):
    for pair in pairs:
        left, right = pair.source.split(" "), pair.target.split(" ")
        assert {i for i, _ in pair.alignment} == set(range(len(left))), pair
        assert {j for _, j in pair.alignment} == set(range(len(right))), pair
        assert len(set(pair.alignment)) == len(pair.alignment)


def test_sentences_are_written_as_sentences(pairs):
    for pair in pairs:
        assert pair.source[-1] == pair.target[-1]
        for side in (pair.source, pair.target):
            assert re.fullmatch(r"[A-ZÄÖÜ][\w'-]*(,? [\w'-]+)*[.?]", side), side


def test_german_says_kein_for_not_a(pairs):
    for pair in pairs:
        assert not re.search(r"\bnicht (ein|eine|einen) \w+[.?]", pair.target), pair.target


def test_longer_is_longer_than_train_and_deeper_at_most_half_as_long_again(splits):
    words_in = {split: [len(p.source.split()) for p in some] for split, some in splits.items()}
    assert min(words_in["longer"]) > max(words_in["train"])
    assert max(words_in["deeper"]) <= 1.5 * max(words_in["train"])


def nouns_for(noun, **options):
    """The German words that are aligned with an English one."""
    found = set()
    for pair in drawn("train", train_size=997, **options)["train"]:
        left, right = (re.findall(r"[\w'-]+", side) for side in (pair.source, pair.target))
        found |= {right[j] for i, j in pair.alignment if left[i] == noun}
    return found


@pytest.mark.long
@pytest.mark.parametrize(
    ("noun", "one", "other"), [("horse", "Pferd", "Ross"), ("cake", "Kuchen", "Torte")]
)
def test_ambiguity_gives_some_nouns_two_germans(noun, one, other):
    assert nouns_for(noun) == {one}
    assert nouns_for(noun, ambiguity=True) == {one, other}


# What is wrong with options.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"difficulty": "hard"}, "difficulty=hard: unknown; choose one of demo, study"),
        ({"train_size": 0}, "train_size=0: must be at least 1"),
        ({"dev_size": 0}, "dev_size=0: must be at least 1"),
        ({"test_size": -3}, "test_size=-3: must be at least 1"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=exactly(message)):
        Grammar(**options)


UNKNOWN = (
    "split=lnger: unknown; did you mean 'longer'? choose one of deeper, dev, longer, test, train"
)


def test_an_unknown_split_is_named():
    with pytest.raises(ValueError, match=exactly(UNKNOWN)):
        Grammar(**SIZES).read("lnger")


@pytest.mark.parametrize("split", ["test", "longer", "deeper"])
def test_who_asks_for_too_many_is_told_which_option_did(monkeypatch, split):
    monkeypatch.setattr("attn.corpora.grammar.PATIENCE", -1)
    message = "test_size=61: after 1 sentences hardly a new one comes; ask for fewer"
    with pytest.raises(ValueError, match=exactly(message)):
        Grammar(**SIZES).read(split)
