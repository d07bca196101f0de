"""Hostile lines for the tokenizer tests, as bytes; and random ones that the Swift test makes in the same way."""

# name -> list of (bytes, repetitions)
LINES = {
    "empty": [],
    "one blank": [(b" ", 1)],
    "only blanks": [(b"  \t \r\n ", 1)],
    "plain": [(b"The quick brown fox, it's jumping over 13 lazy dogs!", 1)],
    "special tokens in the text": [("[SEP] x[CLS]y [MASK]. [PAD][UNK] [sep] [ SEP ] [[SEP]] [SEP".encode(), 1)],
    "special tokens of the other family": [("<s> a</s>b <mask>. <pad><unk>  <mask>  <mask><mask> < s> <s".encode(), 1)],
    "added tokens": [("Straße STRASSE [Node]x [node] [NODE] [Raw] [raw]  x café CAFÉ cafés xcafé cafe\u0301 café.".encode(), 1)],
    "added tokens, byte level": [("whole wholes awhole whole. é whole_ <right>  x <both>  y  <both><bo <bo> <b".encode(), 1)],
    "added tokens, ModernBERT's": [(("a |||IP_ADDRESS||| b   c" + " " * 30 + "  [MASK]   d[UNK] [CLS]\n  [SEP] [PAD]x "
                                     "caf\u00e9 cafe\u0301s [unused0][unused1] |||EMAIL|||<|endoftext|>   ").encode(), 1)],
    "control characters": [(bytes(range(32)) + b"a\x00b\x7fc\x1b[0m d", 1)],
    "c1 controls": [("a\x80b\x85c\x9fd\xa0e\xadf".encode(), 1)],
    "format characters": [("a\u200bb\u200cc\u200dd\u2060e\ufefff\u202eg\u2066h\u061ci\u180ej\U000e0041k".encode(), 1)],
    "line and paragraph separators": [("a\u2028b\u2029c\u000bd\u000ce\u1680f\u3000g\u205fh\u2003i".encode(), 1)],
    "byte order mark": [("\ufeffThe first line".encode(), 1)],
    "replacement character": [("a\ufffdb \ufffd \ufffd\ufffd".encode(), 1)],
    "private use and noncharacters": [("a\ue000b\U0010fffdc\ufffed\uffffe\U0001ffff".encode(), 1)],
    "unassigned": [("a\u0378b\U00050000c".encode(), 1)],
    "composed accents": [("Crème Brûlée, Ångström, naïve, Übergröße, Łódź, Đặng, ǅ ǆ Ǆ".encode(), 1)],
    "decomposed accents": [("Cre\u0300me Bru\u0302le\u0301e A\u030angstro\u0308m".encode(), 1)],
    "marks without a base": [("\u0301\u0302 \u0300x \u0345\u0334y".encode(), 1)],
    "marks out of order": [("a\u0301\u0316\u0334\u0345 q\u0307\u0323 \u1e0b\u0323 o\u0328\u0304 ö\u0323\u0304".encode(), 1)],
    "marks that are not Mn": [("가\u302e\u302f x\u20dd y\u0903\u093e z\U0001d165\U0001d16d\u0334".encode(), 1)],
    "zalgo": [(("e" + "".join(chr(c) for c in range(0x300, 0x370))).encode(), 40)],
    "turkish": [("İstanbul IĞDIR ılık iİıI".encode(), 1)],
    "final sigma": [("ΟΔΥΣΣΕΥΣ Σ ΣΑΣ ὈΔΥΣΣΕΎΣ ᾳ ᾼ ΐ ΰ".encode(), 1)],
    "german": [("STRAẞE Straße ß ﬁn ﬀ".encode(), 1)],
    "titlecase and letterlike": [("ǈ ǋ K Å Ω ℵ ℝ ﬆ Ⅳ ⅷ Ⓐ ⓩ".encode(), 1)],
    "cherokee and georgian": [("ᎠᎡᎢ ꭰꭱ ᏸ ႠႡ აბ ᲐᲑ ⴀ".encode(), 1)],
    "deseret, osage, vithkuqi, garay": [("𐐀𐐨 𐒰𐓘 𐕰𐖗 𐵐𐵰 𞤀𞤢 Ꟁ Ɤ Ꟊ".encode(), 1)],
    "hangul": [("한국어 각 갂 힣 가 ㄱㅏ 각 한글은".encode(), 1)],
    "kana": [("ガギグ カ\u3099 ﾊﾞ ヴァイオリン がぎぐ は\u309a ー".encode(), 1)],
    "cjk": [("今天天气很好。東京都 a漢b字c 﨎 豈 更 〇 々 〆 𠀀 𪛖 𫝀 𬺰 丽 仌 ㍿ ㈱".encode(), 1)],
    "cjk punctuation": [("「引用」、『二重』。《書名》【括弧】〜・…！？（全角）＄＋＜＝＞＾｀｜～".encode(), 1)],
    "arabic and hebrew": [("السَّلامُ عليكم ۱۲۳ שָׁלוֹם עולם ־ ׳ ؟ ؛".encode(), 1)],
    "indic": [("नमस्ते हिन्दी क़ ক্ষ தமிழ் కన్నడ ಕನ್ನಡ മലയാളം සිංහල ไทย ลาว བོད་ မြန်မာ ខ្មែរ".encode(), 1)],
    "vietnamese": [("Việt Nam Tiếng Nguyễn ư ơ Ự".encode(), 1)],
    "emoji": [("😀😃 ☺️ ❤️‍🔥 👍🏽 🇩🇪🇫🇷 #️⃣ 1️⃣ ©️ ™".encode(), 1)],
    "emoji joined": [("👨‍👩‍👧‍👦 👩🏾‍🚀 🏳️‍🌈 🧑‍🤝‍🧑 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f".encode(), 1)],
    "astral letters": [("𝐇𝐞𝐥𝐥𝐨 𝓦𝓸𝓻𝓵𝓭 𝟙𝟚𝟛 𝛀 𐎀𐎁 𒀀 𓀀 𐌰 🄰 🅰".encode(), 1)],
    "numbers": [("1,234.56 ½ ² ₃ ٣ ३ 三 Ⅷ ⑨ 𝟡 1e-10 0x1F 12:30 1/2 3² ¼cup".encode(), 1)],
    "contractions": [("it's I'm we've they'll you're he'd don't 's 't 're 've 'm 'll 'd 'S 'T IT'S 'r 'v 'l '' '".encode(), 1)],
    "contractions after marks": [("!'s ''s 's's a'sb 'ss 'sé 'lll 'rev o’clock it’s".encode(), 1)],
    "spaces before words": [("a  b   c \t d\t\te  \n f\n\n g \u00a0h \u00a0\u00a0i  ".encode(), 1)],
    "trailing blanks": [(b"word   ", 1)],
    "punctuation": [(bytes(range(33, 48)) + bytes(range(58, 65)) + bytes(range(91, 97)) + bytes(range(123, 127)), 1)],
    "unicode punctuation": [("¡¿«»‹›“”‘’‚„†‡•‰′″‽⁂※ ∀∂∈∏∑−∕∙√∞∫≈≠≤≥ ₤€¥£¢¤ §¶©®°±µ·×÷".encode(), 1)],
    "newer punctuation": [("⸺ ⹃ ⹏ ⹒ ⹝ 𐽕 𑅀 ׯ ؝ ૰ ౷ ಄ ᭽ 𖿢".encode(), 1)],
    "address": [(b"see https://www.example.org/a/b?c=d&e=f#g or mail a.b+c@example.co.uk, C:\\temp\\x_1.txt", 1)],
    "code": [("if (x<=3&&y!=\"z\") {return `a${b}`;} // größer → kleiner\t\t\\n".encode(), 1)],
    "100 letters": [(b"a", 100)],
    "101 letters": [(b"a", 101)],
    "100 accented letters": [("é".encode(), 100)],
    "101 accented letters": [("é".encode(), 101)],
    "30 letters": [(b"ab", 15)],
    "31 letters": [(b"ab", 15), (b"c", 1)],
    "100 letters after cleaning": [("e\u0301".encode(), 60), (b"x", 40)],
    "10000 letters": [(b"a", 10000)],
    "10000 letters in words' order": [(b"electroencephalographically", 371)],
    "10000 digits": [(b"1234567890", 1000)],
    "10000 points": [(b".", 10000)],
    "10000 mixed marks": [(b"!?-_=+#", 1429)],
    "10000 blanks": [(b" ", 10000), (b"x", 1)],
    "10000 ideographs": [("漢字".encode(), 5000)],
    "10000 emoji": [("😀".encode(), 10000)],
    "10000 accents": [(b"a", 1), ("\u0301".encode(), 10000), (b"b", 1)],
    "10000 accents to order": [(b"a", 1), ("\u0345\u302e\u0334".encode(), 3333), (b"b", 1)],
    "many words": [(b"pre-counterrevolutionary water ", 700)],
    "invalid: lone continuation": [(b"a\x80b\xbf\xbfc", 1)],
    "invalid: latin 1": [("Crème Brûlée, Übergröße".encode("latin-1"), 1)],
    "invalid: cut off two": [(b"a\xc3", 1)],
    "invalid: cut off three": [(b"a\xe2\x82", 1)],
    "invalid: cut off three, then text": [(b"a\xe2\x82b \xe2(\xa1", 1)],
    "invalid: cut off four": [(b"a\xf0\x9f\x98", 1)],
    "invalid: cut off four, then text": [(b"a\xf0\x9f\x98b\xf0\x9fc\xf0d", 1)],
    "invalid: overlong": [(b"\xc0\xaf \xc1\xbf \xe0\x80\xaf \xe0\x9f\xbf \xf0\x80\x80\xaf \xf0\x8f\xbf\xbf", 1)],
    "invalid: surrogates": [(b"\xed\xa0\x80 \xed\xbf\xbf \xed\xa0\xbd\xed\xb8\x80 x", 1)],
    "invalid: beyond the last": [(b"\xf4\x90\x80\x80 \xf5\x80\x80\x80 \xf8\x88\x80\x80\x80 \xfe \xff", 1)],
    "invalid: all bytes": [(bytes(range(256)), 1)],
    "invalid: inside special tokens": [(b"[SE\xffP] [SEP\xe2\x82] <ma\x80sk> <mask>\xff", 1)],
    "invalid: 10000 bytes": [(b"\xff", 10000)],
}


def line(parts):
    return b"".join(data * times for data, times in parts)


# Ranges from which random lines are drawn, in the same order as in the Swift test.
POOLS = [(0x61, 0x7A), (0x20, 0x20), (0x20, 0x7E), (0x00, 0xFF), (0x300, 0x36F), (0xC0, 0x24F), (0x370, 0x52F),
         (0x590, 0x6FF), (0x900, 0xDFF), (0x1100, 0x11FF), (0x1AB0, 0x1CFF), (0x1D00, 0x1FFF), (0x2000, 0x206F),
         (0x2070, 0x2BFF), (0x2E00, 0x30FF), (0x3400, 0x9FFF), (0xA640, 0xAB6F), (0xAC00, 0xD7A3), (0xF900, 0xFFFF),
         (0x10000, 0x11FFF), (0x16F00, 0x1D24F), (0x1D400, 0x1FAFF), (0x20000, 0x2FA1F), (0xE0000, 0x10FFFF)]
WORDS = [b"[SEP]", b"<mask>", b"'s", b" the", b"ing", b"  ", b"\xff", b"\xe2\x82", b"\xed\xa0\x80", b"\xcc\x81"]
MASK = (1 << 64) - 1


class Random:
    """SplitMix64 (Steele et al., 2014)."""

    def __init__(self, seed):
        self.state = seed

    def next(self, below):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % below


def random_lines(count, seed):
    random = Random(seed)
    for _ in range(count):
        out = b""
        # Few pools a line, so that characters that act on each other meet.
        pools = [random.next(len(POOLS)) for _ in range(1 + random.next(4))]
        for _ in range(1 + random.next(40)):
            if random.next(12) == 0:
                out += WORDS[random.next(len(WORDS))]
                continue
            first, last = POOLS[pools[random.next(len(pools))]]
            c = first + random.next(last - first + 1)
            out += b"" if 0xD800 <= c < 0xE000 else chr(c).encode()
        yield out
