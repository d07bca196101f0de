"""Text written for the fixture vocabularies, and words made from parts, so that thousands of merges have something
to learn from. Called by make_vocabularies.py."""
import random

SENTENCES = """\
The ferry leaves the old harbour at seven, and by noon the island is crowded with people looking for shade.
My grandmother never measured flour; she said the dough tells you when it has had enough.
A court may set aside a contract if one of the parties was misled about what it was signing.
The telescope recorded 1,204 faint objects in one night, most of them galaxies nobody had ever named.
"You can't be serious," she laughed, "we've only got twenty minutes and the shop's already closed!"
Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.
He scored twice in the first half, was sent off in the second, and still won the match for his team.
Please don't feed the ducks: bread makes them ill, and they'll follow you home.
The committee hasn't published its report; it's expected to recommend lower prices for rural telephone lines.
In 1969, 600 million people watched a grainy black-and-white picture of a man stepping off a ladder.
I'm sorry, I'd have called you earlier, but they're repairing the line and we'll be without it until Friday.
Some words are short. Others, like counterrevolutionaries or electroencephalography, are not.
Bring two litres of salted water to the boil, add the pasta, and stir once so that nothing sticks to the bottom.
The river rises in the northern mountains, crosses three provinces, and reaches the sea through a wide delta.
An algorithm is a finite list of instructions; a program is an algorithm that somebody has paid for.
Where were you when the lights went out? I was in the lift, between the fourth floor and the fifth.
Prices rose by 3.5% in May, by 4.1% in June and by a surprising 6.02% in July (see table 7b).
The children had built a castle of cardboard boxes, with a drawbridge, a dungeon and a room for the cat.
Nobody has ever proved that the conjecture holds, nor found a single number for which it fails.
Der Zug nach München fährt um 17:45 Uhr von Gleis 3 ab; die Züge über Köln fallen heute aus.
L'été dernier, nous avons traversé la forêt à vélo, puis dîné près d'un étang où chantaient les grenouilles.
El niño pequeño soñaba con volar sobre las montañas; mañana, decía, será otro día.
Старый капитан долго смотрел на море и молчал, а дождь всё шёл и шёл над пустым городом.
Η θάλασσα ήταν ήσυχη και ο ουρανός γεμάτος άστρα, όταν το πλοίο άφησε το λιμάνι.
今天下午我们在公园里看见一只白色的猫，它在树下睡觉。 東京の夏はとても暑いです。 오늘은 날씨가 맑습니다.
To order, write to orders@example.org or visit https://www.example.org/shop?item=42&colour=blue today.
def area(width, height): return width * height  # the units are up to you
for (int i = 0; i < n; ++i) { total += weights[i] * values[i]; }
Thanks!!! 😀😀 See you on Saturday ❤️ — bring the kids 👨‍👩‍👧 and some cake… 🎂
The quarterly results, which the company's board approved on Tuesday, fell short of almost every forecast.
A passport is valid for ten years; a child's passport, for five. Apply at least six weeks before you travel.
The violin was made in 1742 and repaired so often that only its back is thought to be original.
Whales are mammals, not fish, although it took sailors, lawyers and scientists a long time to agree on it.
Without electricity the village got up with the sun and went to bed with the hens.
She translated the poem four times, and each time it became shorter, sadder and better.
If the pressure drops below 20 kPa, close valve B, open valve C, and wait for the second signal.
The goalkeeper's mother keeps all his gloves in a suitcase under her bed.
They weren't late; we were early, and the clock above the station had stopped at ten past three.
""".splitlines()

STEMS = """abs accept act add adjust agree allow amaze announce appear approach arrange arrive assist attend attract avoid
balance bargain begin believe blend borrow bother break bright bring build burn calculate call camp carry catch cause
challenge change charge chase cheer choose circle claim clean clear climb close collect comfort compare complain
complete concentrate connect consider contain continue control convert cook copy correct cover create cross cultivate
damage dance decide declare deliver demand depend describe design destroy detail develop differ direct discover
discuss divide doubt draw dream drift drive earn educate elect employ encourage enjoy enter escape examine excite
exist expand expect explain explore express extend face fail farm favour fight fill find finish fish flood float flow
follow force forget form found freeze gather general generate give govern grant grow guard guess guide happen harvest
hesitate hope hunt imagine improve include increase inform insist inspect interest introduce invent invite join judge
jump keep kind know labour lack land laugh launch lead learn leave lend limit listen local locate manage march mark
market master match matter measure memory mention mind mix modern motion mountain move multiply murmur nation nature
neglect notice number observe obtain offer open operate oppose order organ origin paint part pass pay people perform
permit person phrase plan plant play point polish politic popular possess possible power practice pray prefer prepare
present press prevent produce profit promise protect provide public publish pull punish purchase push quarrel question
race radiate rain reach react read realise reason receive reckon recognise record reduce reflect refuse regard regular
relate release relieve remain remember remove render repair repeat replace report represent require rescue resist
respect rest return reveal revolve reward ring risk river rule sail satisfy save scatter science search season secret
select separate serve settle shake shape share shelter shine shout signal silent simple single slave sleep social
soldier solve sound space speak special speed spend split spoil spread stand start state steal step stop store storm
strange stream stretch strike structure struggle study succeed suffer suggest supply support suppose surface surprise
surround survive suspect swallow swim switch talk taste teach tempt test thank theory think thread threaten throw tie
touch trade train transfer translate transport travel treat trouble trust turn understand unite use usual value vary
view village visit voice vote wait wander warn wash waste watch water weigh welcome winter wish wonder work worry
worship wound write yield young""".split()
PREFIXES = ["", "", "", "", "un", "re", "dis", "over", "under", "mis", "pre", "inter", "counter", "non"]
SUFFIXES = ["", "", "", "s", "ed", "ing", "er", "ers", "able", "ment", "ments", "ly", "ness", "ation", "ations", "ful",
            "less", "ive", "ity", "al", "ist", "ism", "ise", "'s", "'t", "n't", "'ve", "'ll", "'re", "'d", "'m"]
FUNCTION = """the of and to a in is that it was for on are as with his they at be this from have or by one had not but what
all were when we there can an your which their said if do will each about how up out them then she many some so these
would other into has more her two like him see time could no make than first been its who now people my made over did
down only way find use may water long little very after words called just where most know""".split()
MARKS = [".", ".", ".", ".", ",", ",", "?", "!", ";", ":", " (", ")", "\"", " -", "...", " 7", " 12", " 1984", " 300", "\n", "  "]


def lines(count=6000, seed=7):
    """The sentences, then `count` lines of made-up text."""
    rng = random.Random(seed)
    out = list(SENTENCES) * 3
    for _ in range(count):
        words = []
        for _ in range(rng.randint(4, 22)):
            if rng.random() < 0.45:
                word = rng.choice(FUNCTION)
            else:
                word = rng.choice(PREFIXES) + rng.choice(STEMS) + rng.choice(SUFFIXES)
            if rng.random() < 0.08:
                word = word.capitalize()
            if rng.random() < 0.12:
                word += rng.choice(MARKS)
            words.append(word)
        out.append(" ".join(words).capitalize() + rng.choice(MARKS[:8]))
    return out
