"""The words of both languages, in tables."""

# English singular and plural, German noun (* declined weakly), gender, German plural.
NOUNS = {
    "person": """
man men, Mann m Männer; woman women, Frau f Frauen; child children, Kind n Kinder
teacher teachers, Lehrer m Lehrer; boy boys, Junge* m Jungen; girl girls, Mädchen n Mädchen
doctor doctors, Arzt m Ärzte; neighbour neighbours, Nachbar* m Nachbarn
daughter daughters, Tochter f Töchter; son sons, Sohn m Söhne; mother mothers, Mutter f Mütter
father fathers, Vater m Väter; sister sisters, Schwester f Schwestern
brother brothers, Bruder m Brüder; baker bakers, Bäcker m Bäcker; farmer farmers, Bauer* m Bauern
student students, Student* m Studenten; guest guests, Gast m Gäste; king kings, König m Könige
queen queens, Königin f Königinnen; painter painters, Maler m Maler; cook cooks, Koch m Köche
aunt aunts, Tante f Tanten; uncle uncles, Onkel m Onkel
niece nieces, Nichte f Nichten
singer singers, Sänger m Sänger; judge judges, Richter m Richter
nurse nurses, Pflegerin f Pflegerinnen
""",
    "animal": """
dog dogs, Hund m Hunde; cat cats, Katze f Katzen; horse horses, Pferd n Pferde
bird birds, Vogel m Vögel; cow cows, Kuh f Kühe; calf calves, Kalb n Kälber
mouse mice, Maus f Mäuse; bear bears, Bär* m Bären; pig pigs, Schwein n Schweine
fox foxes, Fuchs m Füchse; goat goats, Ziege f Ziegen; duck ducks, Ente f Enten
""",
    "thing": """
table tables, Tisch m Tische; lamp lamps, Lampe f Lampen; picture pictures, Bild n Bilder
chair chairs, Stuhl m Stühle; cup cups, Tasse f Tassen; knife knives, Messer n Messer
key keys, Schlüssel m Schlüssel; bag bags, Tasche f Taschen; glass glasses, Glas n Gläser
coat coats, Mantel m Mäntel; watch watches, Uhr f Uhren; bed beds, Bett n Betten
ball balls, Ball m Bälle; flower flowers, Blume f Blumen; gift gifts, Geschenk n Geschenke
hat hats, Hut m Hüte; fork forks, Gabel f Gabeln; boat boats, Boot n Boote
plate plates, Teller m Teller; violin violins, Geige f Geigen; shirt shirts, Hemd n Hemden
umbrella umbrellas, Regenschirm m Regenschirme; camera cameras, Kamera f Kameras
car cars, Auto n Autos
""",
    "text": """
letter letters, Brief m Briefe; newspaper newspapers, Zeitung f Zeitungen; book books, Buch n Bücher
novel novels, Roman m Romane; story stories, Geschichte f Geschichten
poem poems, Gedicht n Gedichte; sentence sentences, Satz m Sätze
message messages, Nachricht f Nachrichten
""",
    "food": """
apple apples, Apfel m Äpfel; pear pears, Birne f Birnen; egg eggs, Ei n Eier
cake cakes, Kuchen m Kuchen; tomato tomatoes, Tomate f Tomaten; roll rolls, Brötchen n Brötchen
potato potatoes, Kartoffel f Kartoffeln; carrot carrots, Karotte f Karotten; soup -, Suppe f -
""",
    "drink": """
coffee -, Kaffee m -; milk -, Milch f -; water -, Wasser n -
tea -, Tee m -; lemonade -, Limonade f -; beer -, Bier n -; wine -, Wein m -
""",
    "door": """
door doors, Tür f Türen; window windows, Fenster n Fenster; box boxes, Kasten m Kästen
drawer drawers, Schublade f Schubladen; suitcase suitcases, Koffer m Koffer
""",
    "machine": """
computer computers, Computer m Computer; radio radios, Radio n Radios
machine machines, Maschine f Maschinen; oven ovens, Ofen m Öfen; heater heaters, Heizung f Heizungen
""",
    "room": """
room rooms, Zimmer n Zimmer; flat flats, Wohnung f Wohnungen; cellar cellars, Keller m Keller
""",
}

# As above, with the prepositions that say where: English, German (with the dative).
PLACES = """
garden gardens, Garten m Gärten, in in; kitchen kitchens, Küche f Küchen, in in
house houses, Haus n Häuser, in in; school schools, Schule f Schulen, at in
station stations, Bahnhof m Bahnhöfe, at an; city cities, Stadt f Städte, in in
village villages, Dorf n Dörfer, in in; market markets, Markt m Märkte, at auf
church churches, Kirche f Kirchen, in in; hotel hotels, Hotel n Hotels, in in
forest forests, Wald m Wälder, in in; farm farms, Bauernhof m Bauernhöfe, on auf
field fields, Feld n Felder, in auf; park parks, Park m Parks, in in
library libraries, Bibliothek f Bibliotheken, in in; theatre theatres, Theater n Theater, at in
lake lakes, See m Seen, at an; beach beaches, Strand m Strände, on an
hospital hospitals, Krankenhaus n Krankenhäuser, in in; bridge bridges, Brücke f Brücken, on auf
office offices, Büro n Büros, in in; mountain mountains, Berg m Berge, on auf
factory factories, Fabrik f Fabriken, in in; island islands, Insel f Inseln, on auf
"""

# What they say something of: English, German, German before an ending where it differs.
ADJECTIVES = """
person animal: old alt, young jung, tired müde/müd, strong stark, clever klug, sick krank
person animal: brave mutig, happy glücklich
person animal: quiet still, friendly freundlich, lazy faul, hungry hungrig
person: sad traurig, rich reich, poor arm, famous berühmt, polite höflich, strict streng
person: honest ehrlich, shy schüchtern, busy beschäftigt, curious neugierig, strange seltsam
animal thing door machine room place: big groß, small klein
thing door machine room text place: new neu, old alt, beautiful schön, ugly hässlich
thing door machine: heavy schwer, expensive teuer/teur, cheap billig, dirty schmutzig
thing door: red rot, green grün, blue blau, white weiß, black schwarz, yellow gelb, round rund
text: long lang, short kurz, good gut, bad schlecht, funny lustig, difficult schwierig
food drink: cold kalt, warm warm, fresh frisch, sweet süß, good gut, hot heiß
room place: dark dunkel/dunkl, bright hell, clean sauber, quiet still
"""

# English (third person where irregular), German infinitive with | behind a separable prefix
# (third person where irregular), frame, kinds of subject, kinds of object.
VERBS = """
sleep, schlafen schläft, none, person animal
work, arbeiten, none, person
get up, auf|stehen, none, person
laugh, lachen, none, person
sing, singen, none, person
arrive, an|kommen, none, person
run, laufen läuft, none, person animal
dance, tanzen, none, person
swim, schwimmen, none, person animal
wait, warten, none, person animal
cry, weinen, none, person
play, spielen, none, person animal
talk, reden, none, person
see, sehen sieht, acc, person animal, person animal thing text place
love, lieben, acc, person, person animal
buy, kaufen, acc, person, thing text food drink
open, auf|machen, acc, person, door
call, an|rufen, acc, person, person
read, lesen liest, acc, person, text
eat, essen isst, acc, person, food
eat, fressen frisst, acc, animal, food
drink, trinken, acc, person animal, drink
find, finden, acc, person animal, person animal thing text
have has, haben hat, acc, person, animal thing text
look for, suchen, acc, person animal, person animal thing text
visit, besuchen, acc, person, person place
close, zu|machen, acc, person, door
invite, ein|laden lädt, acc, person, person
write, schreiben, acc, person, text
paint, malen, acc, person, person animal thing place
sell, verkaufen, acc, person, animal thing text food
pick up, ab|holen, acc, person, person thing
turn on, ein|schalten, acc, person, machine
turn off, aus|schalten, acc, person, machine
clean up, auf|räumen, acc, person, room
look at, an|sehen sieht, acc, person animal, person animal thing place
know, kennen, acc, person, person place
hear, hören, acc, person animal, person animal
need, brauchen, acc, person, person thing text
carry, tragen trägt, acc, person, animal thing
wash, waschen wäscht, acc, person, person animal
repair, reparieren, acc, person, thing machine
throw away, weg|werfen wirft, acc, person, thing text food
forget, vergessen vergisst, acc, person, person thing
introduce, vor|stellen, acc, person, person
help, helfen hilft, dat, person animal, person animal
thank, danken, dat, person, person
follow, folgen, dat, person animal, person animal
listen to, zu|hören, dat, person, person
trust, vertrauen, dat, person animal, person animal
congratulate, gratulieren, dat, person, person
give, geben gibt, both, person, thing text food
show, zeigen, both, person, animal thing text
send, schicken, both, person, thing text
bring, bringen, both, person, thing text food drink
lend, leihen, both, person, thing text
live, wohnen, place, person
sit, sitzen, place, person animal
stand, stehen, place, person animal
lie, liegen, place, person animal
go goes, gehen, goal, person animal
drive, fahren fährt, goal, person
hurry, eilen, goal, person
come back, zurück|kommen, goal, person animal
say, sagen, clause, person
know, wissen weiß, clause, person
believe, glauben, clause, person
hope, hoffen, clause, person
notice, bemerken, clause, person animal
be, sein, quality, person animal thing text
"""

# English, German singular, German plural.
MODALS = """
can, kann können; want to, will wollen; must, muss müssen; should, sollte sollten; may, darf dürfen
"""

CONJUNCTIONS = "because weil, when wenn, although obwohl, while während, before bevor, if falls"

# Times; = parts the languages.
TIMES = """
today = heute; now = jetzt; in the evening = am Abend; on Monday = am Montag; every day = jeden Tag
in the morning = am Morgen; on Sunday = am Sonntag; in summer = im Sommer; in winter = im Winter
on Tuesday = am Dienstag; on Wednesday = am Mittwoch; on Thursday = am Donnerstag
on Friday = am Freitag; on Saturday = am Samstag; at noon = am Mittag; at night = nachts
every week = jede Woche; every year = jedes Jahr; in autumn = im Herbst; in spring = im Frühling
this evening = heute Abend; this week = diese Woche; this year = dieses Jahr
"""

MONTHS = """
January Januar, February Februar, March März, April April, May Mai, June Juni, July Juli
August August, September September, October Oktober, November November, December Dezember
"""

# With ambiguity on: English noun, and the German one that may stand for it as well.
SYNONYMS = {
    "doctor": "doctor doctors, Mediziner m Mediziner",
    "picture": "picture pictures, Gemälde n Gemälde",
    "story": "story stories, Erzählung f Erzählungen",
    "horse": "horse horses, Ross n Rosse",
    "cake": "cake cakes, Torte f Torten",
    "flat": "flat flats, Apartment n Apartments",
    "car": "car cars, Wagen m Wagen",
    "girl": "girl girls, Mädel n Mädel",
}
