"""The words of both languages, from their tables."""

import dataclasses
from collections.abc import Iterator

from attn.corpora.grammar import tables


@dataclasses.dataclass(frozen=True)
class Noun:
    """A noun of both languages; plurals are empty where there is none."""

    singular: str
    plural: str
    german: str
    gender: str
    german_plural: str
    weak: bool
    kind: str
    where: tuple[str, str] | None = None


@dataclasses.dataclass(frozen=True)
class Adjective:
    """An adjective of both languages, the German one also as it stands before an ending."""

    english: str
    german: str
    stem: str


@dataclasses.dataclass(frozen=True)
class Verb:
    """A verb of both languages, what it takes, and of what kinds."""

    english: str
    third: str
    german: str
    prefix: str
    german_third: str
    frame: str
    subjects: tuple[str, ...]
    objects: tuple[str, ...]


def split(table: str, mark: str) -> list[str]:
    """The entries of a table, parted by a mark or line ends."""
    return [entry.strip() for entry in table.replace("\n", mark).split(mark) if entry.strip()]


def entries(table: str) -> Iterator[list[str]]:
    """The entries of a table, parted by ``;`` or line ends, their fields by commas."""
    for entry in split(table, ";"):
        yield [field.strip() for field in entry.split(",")]


def noun(fields: list[str], kind: str) -> Noun:
    """A noun from its fields."""
    singular, plural = fields[0].split()
    german, gender, german_plural = fields[1].split()
    where = fields[2].split() if len(fields) > 2 else None
    return Noun(
        singular,
        plural.strip("-"),
        german.rstrip("*"),
        gender,
        german_plural.strip("-"),
        german.endswith("*"),
        kind,
        (where[0], where[1]) if where else None,
    )


def nouns() -> dict[str, list[Noun]]:
    """The nouns of each kind."""
    every = {
        kind: [noun(fields, kind) for fields in entries(t)] for kind, t in tables.NOUNS.items()
    }
    every["place"] = [noun(fields, "place") for fields in entries(tables.PLACES)]
    return every


def synonyms() -> dict[str, Noun]:
    """The second German noun of some English ones."""
    return {
        one: noun([field.strip() for field in entry.split(",")], "")
        for one, entry in tables.SYNONYMS.items()
    }


def adjectives() -> dict[str, list[Adjective]]:
    """The adjectives of each kind of noun."""
    found: dict[str, list[Adjective]] = {}
    for line in tables.ADJECTIVES.strip().splitlines():
        kinds, _, fields = line.partition(":")
        for english, german in (entry.split() for entry in fields.split(",")):
            base, _, stem = german.partition("/")
            for kind in kinds.split():
                found.setdefault(kind, []).append(Adjective(english, base, stem or base))
    return found


def verbs() -> list[Verb]:
    """The verbs."""
    found = []
    for line in tables.VERBS.strip().splitlines():
        english, german, frame, *kinds = (field.strip() for field in line.split(","))
        words = english.split()
        irregular = {"have has": "has", "go goes": "goes", "be": "is"}.get(english)
        base = words[0] if irregular else english
        infinitive, *third = german.split()
        prefix, _, rest = infinitive.rpartition("|")
        found.append(
            Verb(
                base,
                irregular or third_person(english),
                rest,
                prefix,
                third[0] if third else "",
                frame,
                tuple(kinds[0].split()),
                tuple(kinds[1].split()) if len(kinds) > 1 else (),
            )
        )
    return found


def third_person(verb: str) -> str:
    """The regular English third person; particles stay behind: picks up."""
    head, *rest = verb.split()
    if head.endswith(("s", "sh", "ch", "x", "o")):
        head += "es"
    elif head.endswith("y") and head[-2] not in "aeiou":
        head = f"{head[:-1]}ies"
    else:
        head += "s"
    return " ".join([head, *rest])
