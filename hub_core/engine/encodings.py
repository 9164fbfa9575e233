"""Which encoding a text file is in: UTF-8 if all of it is, else what its bytes speak for.

The whole file is looked at once, a block at a time, so that one é at the end of an otherwise plain file is not found
halfway through an import. Only a sample is decoded to guess.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from hub_core.errors import BadInput

_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_MAX_LINE = 64 << 20  # bytes: what has no line end for longer is no table and would fill the memory
# The byte order marks; UTF-32 before UTF-16, whose mark it begins with.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESSES = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "mac_roman", "koi8_r"),
    *("shift_jis", "gb18030", "big5", "euc_kr"),
]
_LABELS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": "Windows-1252", "cp1250": "Windows-1250"}
_TEXT = bytes((0, *range(0x09, 0x0E), 0x1A, 0x1B, *range(0x1C, 0x100)))
# Signs that stand inside a word only when it is misread: Central European ("Ma³gorzata") or an old Mac's ("Grš§e").
_SIGN_IN_WORD = re.compile(r"[^\W\d_][¹³£¯¿¥¼¾§†‡…‰Ÿ][^\W\d_]")


@dataclass(frozen=True, slots=True)
class Examined:
    """``sample`` is the decoded beginning; ``lines`` is how many lines there are."""

    encoding: str
    sample: str
    lines: int


def label(encoding: str) -> str:
    """The name people know it by."""
    return _LABELS.get(encoding, encoding.upper())


def examine(path: Path, encoding: str | None = None) -> Examined:
    """Look through the file. ``encoding`` None: find out.

    Raises `BadInput`: an unknown encoding, bytes that are no text, a line without end.
    """
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    if encoding is not None:
        chosen: str | None = _known(encoding)
    else:
        chosen = next((name for mark, name in _MARKS if head.startswith(mark)), None) or _wide(head)
    if chosen is None and len(_controls(head)) * 32 > len(head):
        raise BadInput(f"{path.name} is not a text file.", fix="Save it as CSV UTF-8 or XLSX and import that.")
    facts = _scan(path, wide=chosen is not None and chosen.startswith(("utf-16", "utf-32")))
    if chosen is None:
        chosen = "utf-8" if facts.odd is None else _guess(head, _from(path, facts.odd))
    decoder = codecs.getincrementaldecoder(chosen)(errors="replace")
    return Examined(chosen, decoder.decode(head), facts.lines)


def may_be_text(head: bytes) -> bool:
    """Whether these bytes could begin a text in which every character of plain English takes one byte."""
    return b"\0" not in head and not _controls(head)


def _controls(head: bytes) -> bytes:
    """The control characters in it that texts do not have; NUL, which UTF-16 is full of, aside."""
    return head.translate(None, _TEXT)


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        " ".encode(name)  # not one of the codecs that turn bytes into bytes
    except LookupError:
        raise BadInput(f"There is no encoding {encoding!r}.", fix="Try utf-8, windows-1252 or utf-16.") from None
    return "utf-8-sig" if name == "utf-8" else name


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of plain text is zero."""
    half = len(head) // 2
    if half < 2:
        return None
    if head[1::2].count(0) > half * 0.4 and not head[0::2].count(0):
        return "utf-16-le"
    return "utf-16-be" if head[0::2].count(0) > half * 0.4 and not head[1::2].count(0) else None


@dataclass(slots=True)
class _Facts:
    """``odd``: about where the first bytes are that are not UTF-8."""

    lines: int = 0
    odd: int | None = None


def _scan(path: Path, *, wide: bool) -> _Facts:
    facts, decoder, done, since = _Facts(), codecs.getincrementaldecoder("utf-8")(), 0, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if not wide and b"\0" in block:
                raise BadInput(
                    f"{path.name} is not a text file: it holds NUL bytes.",
                    fix="Save it as CSV UTF-8 or XLSX and import that.",
                )
            ends = block.count(b"\n") or block.count(b"\r")
            facts.lines += ends
            since = 0 if ends else since + len(block)
            if since > _MAX_LINE:
                raise BadInput(f"{path.name} is no table: a line of it does not end.", fix="Choose another file.")
            if facts.odd is None and not wide:
                try:
                    decoder.decode(block, final=len(block) < _BLOCK)
                except UnicodeDecodeError as error:
                    facts.odd = max(0, done + error.start - 4)
            done += len(block)
    return facts


def _from(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(_SAMPLE)


def _guess(head: bytes, odd: bytes) -> str:
    """The encoding that makes most sense of the beginning and of the first bytes that are not UTF-8.

    Between equals it is Windows-1252, which is what most software outside UTF-8 writes.
    """
    from charset_normalizer import from_bytes

    sample = head + odd
    best, rank = "", (0.0, 0.0, 0.0, 0)
    for match in from_bytes(sample, cp_isolation=_GUESSES, preemptive_behaviour=False):
        for name in {match.encoding, *match.could_be_from_charset} & set(_GUESSES):
            misread = _SIGN_IN_WORD.search(str(match)) is not None
            score = (-float(misread), -round(match.chaos, 2), match.coherence, int(name == "cp1252"))
            if not best or score > rank:
                best, rank = name, score
    if best in {"", "cp1252"}:
        try:
            sample.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1"
        return "cp1252"
    return best
