"""German inflection: articles, adjectives, nouns, verbs, numbers."""

from attn.corpora.grammar.lexicon import Noun, Verb

CASES = ("nom", "acc", "dat")
# Rows: cases; columns: masculine, feminine, neuter, plural.
COLUMNS = "mfnp"
DEFINITE = {"nom": "der die das die", "acc": "den die das die", "dat": "dem der dem den"}
MIXED_ARTICLE = {"nom": "- e - e", "acc": "en e - e", "dat": "em er em en"}
WEAK = {"nom": "e e e en", "acc": "en e e en", "dat": "en en en en"}
MIXED = {"nom": "er e es en", "acc": "en e es en", "dat": "en en en en"}
STRONG = {"nom": "er e es e", "acc": "en e es e", "dat": "em er em en"}
# Relative pronouns are the articles, but for the dative plural.
RELATIVE = {**DEFINITE, "dat": "dem der dem denen"}
CONTRACTED = {
    ("in", "dem"): "im",
    ("in", "das"): "ins",
    ("an", "dem"): "am",
    ("zu", "dem"): "zum",
    ("zu", "der"): "zur",
    ("bei", "dem"): "beim",
    ("von", "dem"): "vom",
}
MODALS = {
    "können": "kann",
    "wollen": "will",
    "müssen": "muss",
    "sollten": "sollte",
    "dürfen": "darf",
}
TO_BE = {(1, False): "bin", (3, False): "ist", (1, True): "sind", (3, True): "sind"}
ONES = [
    "null",
    "ein",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
]
TEENS = {16: "sechzehn", 17: "siebzehn"}
TENS = [
    "-",
    "zehn",
    "zwanzig",
    "dreißig",
    "vierzig",
    "fünfzig",
    "sechzig",
    "siebzig",
    "achtzig",
    "neunzig",
]
ORDINALS = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}


def cell(table: dict[str, str], case: str, column: str) -> str:
    """The entry of a table; empty for a dash."""
    return table[case].split()[COLUMNS.index(column)].strip("-")


def article(case: str, column: str) -> str:
    """The definite article."""
    return cell(DEFINITE, case, column)


def determiner(stem: str, case: str, column: str) -> str:
    """ein, kein, mein, ...: all have the same endings."""
    return stem + cell(MIXED_ARTICLE, case, column)


def adjective(stem: str, declension: dict[str, str], case: str, column: str) -> str:
    """An adjective before its noun; WEAK after der, MIXED after ein, STRONG after nothing."""
    return stem + cell(declension, case, column)


def noun(word: Noun, case: str, plural: bool) -> str:
    """A noun: dative plurals end in n; weak masculines are as the plural but in the nominative."""
    if plural:
        form = word.german_plural
        return f"{form}n" if case == "dat" and not form.endswith(("n", "s")) else form
    if word.weak and case != "nom":
        return word.german_plural
    return word.german


def finite(verb: Verb, person: int, plural: bool) -> str:
    """The present tense of a verb, without its prefix."""
    infinitive = verb.german
    if infinitive == "sein":
        return TO_BE[person, plural]
    if plural:
        return infinitive
    if person == 1:
        return "weiß" if infinitive == "wissen" else f"{stem(infinitive)}e"
    return verb.german_third or third_person(infinitive)


def stem(infinitive: str) -> str:
    """An infinitive without its ending."""
    return infinitive.removesuffix("en") if infinitive.endswith("en") else infinitive[:-1]


def third_person(infinitive: str) -> str:
    """The regular third person: arbeitet, findet with e, all others without."""
    base = stem(infinitive)
    return f"{base}et" if base.endswith(("t", "d")) else f"{base}t"


def modal(infinitive: str, plural: bool) -> str:
    """The present tense of a modal: first and third person are alike."""
    return infinitive if plural else MODALS[infinitive]


def number(value: int) -> str:
    """A number from 2 to 99."""
    if value <= 12:
        return ONES[value]
    tens, ones = divmod(value, 10)
    if tens == 1:
        return TEENS.get(value, f"{ONES[ones]}zehn")
    return f"{ONES[ones]}und{TENS[tens]}" if ones else TENS[tens]


def ordinal(value: int) -> str:
    """The day of a month, as it stands after am: dritten, einundzwanzigsten."""
    regular = number(value) + ("t" if value < 20 else "st") if value not in ORDINALS else ""
    return (ORDINALS.get(value) or regular) + "en"
