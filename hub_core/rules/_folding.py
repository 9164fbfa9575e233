"""Folding of text: one character table, filled as characters are met, and the one function that uses it.

The rules are documented, with examples, in `docs/normalisation.md`. No text is ever transliterated: a fold that
turned 王伟 and Мария into ASCII (or into nothing) would make strangers equal.
"""

import re
import unicodedata

# Written inside a word without splitting it: O'Brien = O’Brien = OBrien, col·lega = collega.
_JOINERS = frozenset("'’‘‛ʼʻʽʹʾʿ′´`ꞌ׳·")

# Latin letters whose Unicode name does not spell their base letters; Cyrillic ё (printed as е more often than not);
# the final form of the Greek sigma; marks of trade, which are no part of a name.
_SPECIAL = {
    "ß": "ss", "ẞ": "ss", "ð": "d", "þ": "th", "ŋ": "ng", "ı": "i", "ȷ": "j", "ĸ": "k", "ə": "e", "ɖ": "d", "ɵ": "o",
    "ё": "е", "ς": "σ", "™": "", "℠": "",
}  # fmt: skip

# "LATIN SMALL LETTER O WITH STROKE" -> O, "LATIN SMALL LETTER AE" -> AE. Covers letters that NFKD leaves: ø ł đ ħ æ.
_LATIN = re.compile(r"LATIN SMALL (?:LETTER|LIGATURE) ([A-Z]{1,2})(?: WITH .+)?")

# Combining accents and variation selectors. Vowel signs of other scripts (Mn too) are letters to their readers.
_MARKS = ((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))

_REMEMBERED = 0x20000  # characters above are rare ideographs: worked out anew, so that the table stays small


def _fold_character(character: str) -> str:
    """What one character becomes: "" (gone), " " (splits words), or its folded letters."""
    special = _SPECIAL.get(character)
    if special is not None:
        return special
    if character in _JOINERS:
        return ""
    category = unicodedata.category(character)
    if category in {"Cc", "Cf", "Cs"}:  # controls, zero-width and direction marks, lone surrogates
        return " " if character.isspace() else ""
    if any(low <= ord(character) <= high for low, high in _MARKS):
        return ""
    plain = unicodedata.normalize("NFKC", character)
    if plain == character:
        plain = character.lower()
    if plain != character:  # wide and narrow forms, ligatures, capitals: fold what they stand for
        return "".join(map(_fold_character, plain))
    if category[0] in "ZPS":
        return " "
    name = unicodedata.name(character, "")
    if latin := _LATIN.fullmatch(name):
        return latin[1].lower()
    if name.startswith("GREEK"):  # accents are left out of Greek capitals, so case folding must drop them
        bare = unicodedata.normalize("NFD", character)[0]
        return bare if bare == character else _fold_character(bare)
    return character


class _Table(dict[int, int | str | None]):
    """Table of `str.translate`: code point -> folded form, worked out on first use (bounded by Unicode)."""

    def __missing__(self, code: int) -> int | str | None:
        folded = _fold_character(chr(code))
        # None and single code points keep `str.translate` on its fast path for ASCII text.
        value = ord(folded) if len(folded) == 1 else folded or None
        if code < _REMEMBERED:
            self[code] = value
        return value


_TABLE = _Table()

# The same for ASCII alone, where bytes are twice as fast: what stays (or becomes a space), and what goes.
_ASCII = bytes(code if isinstance(code := _TABLE[char], int) else 0 for char in range(128)).ljust(256, b"\0")
_ASCII_GONE = bytes(char for char in range(128) if _TABLE[char] is None)


def words(text: str) -> list[str]:
    """The folded words of a text, in order; an empty list when nothing of it can be compared."""
    if text.isascii():
        return text.encode("ascii").translate(_ASCII, _ASCII_GONE).decode("ascii").split()
    # NFC first, so that й written as и + breve keeps its breve while é written as e + acute loses its acute; NFC
    # again, because dropping a zero-width character may bring two halves of a letter together.
    composed = unicodedata.normalize("NFC", text).translate(_TABLE)
    return unicodedata.normalize("NFC", composed).split()


def fold(text: str) -> str:
    """Comparable text: no case, accents, punctuation, controls or extra space; other scripts stay as they are.

    "" when nothing comparable is left. Müller folds to "muller" and Mueller to "mueller": they stay apart.
    """
    return " ".join(words(text))
