"""The form that words are compared in: what reads alike is alike, and where a word ends.

Sources: Unicode Standard, 3.13 (NFKC_Casefold); UAX #44 (Default_Ignorable_Code_Point); UAX #15
(stream-safe text).
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import groupby

_GAP = re.compile(r"[\s_\-\u2010\u2011\u2013]+")
_ESCAPE = re.compile("%(?:0[9ad]|2[0-46-9a-f]|3[a-f]|40|5[b-f]|60|7[b-e])")
_LETTERS = re.compile("[a-z]+")
_DOTTED = re.compile("[i\u0131]\u0307+")
_MARKS_KEPT = 30
_ZERO_WIDTH_SPACE = 0x200B
_IGNORABLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200C, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
_TATWEEL = "\u0640"
_APOSTROPHES = (
    "`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u0374\u0384\u055a\u05f3\u07f4\u07f5\u1fbd\u1fef"
    "\u1ffd\u2018\u2019\u201b\u2032\u2035\u275b\u275c\ua78b\ua78c\uff07\uff40"
)
_APOSTROPHE = re.compile(f"[{_APOSTROPHES}]")
_SIGNS: dict[int, str | None] = {
    **{code: None for low, high in _IGNORABLE for code in range(low, high + 1)},
    **dict.fromkeys(map(ord, _APOSTROPHES), "'"),
    _ZERO_WIDTH_SPACE: " ",
}
_ASCII_SIGNS = str.maketrans("_-`", "  '")
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def normalised(text: str) -> str:
    """`text` in the form that words are compared in, its words apart by one space.

    Compatibility forms and case are folded, the Turkish dotted and dotless i to i, apostrophes of
    all kinds to one; what is not to be seen is dropped. White space, zero width space, hyphens and
    '_' are one space, and the escapes of URLs for spaces and signs are what they stand for. Runs of
    combining marks are cut to 30, which keeps normalising linear.
    """
    return caseless(text).replace("\u0131", "i")


def caseless(text: str) -> str:
    """As `normalised`, but a dotless i stays one."""
    if text.isascii():
        return " ".join(_unescaped(text.lower()).translate(_ASCII_SIGNS).split())
    text = _long_runs_of_marks().sub(r"\1", text.translate(_SIGNS))
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _DOTTED.sub("i", text).replace(_TATWEEL, "")
    text = _APOSTROPHE.sub("'", _unescaped(unicodedata.normalize("NFKC", text)))
    return _GAP.sub(" ", text).strip()


def are_joined(before: str, after: str) -> bool:
    """Whether one word runs through two neighbouring characters of a normalised text.

    Letters with their marks make words, and so do digits; a word ends where letters meet digits.
    Scripts written without spaces mark no words: there, only a mark is joined to what it marks.
    """
    if not (_is_letter(before) and _is_letter(after)):
        return _is_digit(before) and _is_digit(after)
    return _is_mark(after) or not (_is_unspaced(before) or _is_unspaced(after))


def letters_of(text: str) -> list[str]:
    """The runs of letters in a normalised text."""
    if text.isascii():
        return _LETTERS.findall(text)
    return ["".join(run) for lettered, run in groupby(text, _is_letter) if lettered]


def with_letters(text: str, changed: Callable[[str], str]) -> str:
    """A normalised text with each run of letters `changed`."""
    if text.isascii():
        return _LETTERS.sub(lambda run: changed(run[0]), text)
    runs = ((lettered, "".join(run)) for lettered, run in groupby(text, _is_letter))
    return "".join(changed(run) if lettered else run for lettered, run in runs)


def _unescaped(text: str) -> str:
    if "%" not in text:
        return text
    return _ESCAPE.sub(lambda escape: chr(int(escape[0][1:], 16)), text)


def _is_letter(character: str) -> bool:
    return character.isalpha() or _is_mark(character)


def _is_digit(character: str) -> bool:
    return character.isalnum() and not character.isalpha()


def _is_mark(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character).startswith("M")


def _is_unspaced(character: str) -> bool:
    return not character.isascii() and any(low <= ord(character) <= high for low, high in _UNSPACED)


@cache
def _long_runs_of_marks() -> re.Pattern[str]:
    marks = "".join(
        chr(code)
        for code in range(0x300, 0x1F000)
        if unicodedata.combining(unicodedata.normalize("NFKD", chr(code))[0])
    )
    return re.compile(f"([{marks}]{{{_MARKS_KEPT}}})[{marks}]+")
