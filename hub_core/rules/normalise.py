"""Comparable keys of hub and CRM values: two values match when their keys are equal and not "".

Every normaliser takes any text and returns its key, or "" for "no key": blank, malformed, or shared by strangers.
None raises. What each does is tabled, with examples that are run as tests, in `docs/normalisation.md`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from urllib.parse import unquote

from hub_core.rules._folding import fold, words
from hub_core.rules._suffixes import registrable
from hub_core.rules._tables import (
    GLUED_FORMS,
    LEADING_WORDS,
    LEGAL_FORMS,
    SHARED_DOMAINS,
    SHARED_HOSTS,
    SHARED_LABELS,
)

__all__ = [
    "NORMALISERS",
    "company_name",
    "domain",
    "domain_label",
    "email",
    "exact",
    "fold",
    "key64",
    "linkedin_company",
    "linkedin_person",
    "person_name",
    "phone",
    "url",
]


def exact(text: str) -> str:
    """The text itself, blind only to case and to white space around and between words. For ids and codes."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.casefold().split())


# --- names -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def person_name(text: str) -> str:
    """A first, last or full name, folded. Titles and suffixes stay: "Jr" may be all that tells two people apart.

    Remembers the last names seen, because given and family names repeat; company names and URLs do not.
    """
    return fold(text)


# A run of single letters is one abbreviation: "i b m" (I.B.M.) = "ibm".
_INITIALS = re.compile(r"(?<!\S)([a-z]) (?=[a-z](?!\S))")
_GLUE = re.compile(f"[{''.join({form[0] for form in GLUED_FORMS})}]")
_GLUED = re.compile(
    "^(?:{forms})+(?=.)|(?<=.)(?:{forms})+$".format(forms="|".join(sorted(GLUED_FORMS, key=len, reverse=True)))
)


@lru_cache(maxsize=65_536)  # colleagues have the same one
def company_name(text: str) -> str:
    """A company's name without its legal form and leading "the"; "&" and a lone "+" read "and".

    Something always remains: the company "Co" is "co" and "The Limited" is "limited".
    """
    if "&" in text or " + " in text or "＆" in text:
        text = text.replace("&", " and ").replace("＆", " and ").replace(" + ", " and ")
    parts = words(text)
    if not parts:
        return ""
    if not text.isascii() and _GLUE.search(text):
        parts = [_GLUED.sub("", part) for part in parts]
    _drop_legal_forms(parts)
    while len(parts) > 1 and parts[0] in LEADING_WORDS:
        del parts[0]
    name = " ".join(parts)
    return _INITIALS.sub(r"\1", name) if len(min(parts, key=len)) == 1 else name


def _drop_legal_forms(parts: list[str]) -> None:
    """Drop legal forms from the end, the longest first, as long as more than an article is left."""
    while True:
        node, at, left = LEGAL_FORMS, len(parts), len(parts)
        while at and (below := node.get(parts[at - 1])):
            node, at = below, at - 1
            if "" in node:
                left = at
        if left in {0, len(parts)} or (left == 1 and parts[0] in LEADING_WORDS):
            return
        del parts[left:]


# --- addresses on the internet -----------------------------------------------------------------------------------

_NO_HOST = r"""\s/?#:@,;|<>()\[\]{}"'\\%!$&*+=`^~"""
# One address and nothing else in the cell: two of them, or a sentence, match nothing.
_ADDRESS = re.compile(
    rf"""(?:mailto:|(?:[a-zA-Z][a-zA-Z0-9]*+:)?//)?+   # the scheme; "acme.io:8080" has none
    ([^\s/?\#@,;|<>]*+@)?                              # the user
    ([^{_NO_HOST}]++)                                  # the host
    (?::(\d*+))?                                       # the port
    ([/?\#]\S*+)?                                      # the rest""",
    re.VERBOSE,
)
_ANOTHER = re.compile(r"[,;|](?:https?:|www\.)", re.IGNORECASE)
_HOST_LABEL = re.compile(rf"[^.{_NO_HOST}]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def _cell(text: str) -> str:
    """The text of a cell that holds an address: trimmed, wide forms narrowed, invisible characters out."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).replace("。", ".")
    return text.strip()


def _host(name: str) -> str:
    """A host in one spelling: lower case, Unicode (never punycode), no trailing dot; "" when malformed."""
    name = name.lower().rstrip(".")
    if name.isascii() and "xn--" not in name:
        return name
    return ".".join(labels) if all(labels := [_label(label) for label in name.split(".")]) else ""


def _label(label: str) -> str:
    """One label of an international host, decoded; "" when its punycode stands for nothing decent."""
    if not label.startswith("xn--"):
        return unicodedata.normalize("NFKC", label)
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return ""
    plain = unicodedata.normalize("NFKC", decoded.lower())
    return "" if plain != decoded or decoded.isascii() or not _HOST_LABEL.fullmatch(decoded) else decoded


def domain(text: str) -> str:
    """The registrable domain in a cell that holds a domain, URL or e-mail address, in Unicode.

    "" when it cannot identify a company: free e-mail, site builders, social networks, IP addresses, two domains.
    """
    match = _ADDRESS.fullmatch(_cell(text))
    if match is None:
        return ""
    _, host, _, rest = match.groups()
    if rest and _ANOTHER.search(rest):
        return ""
    host = _host(host)
    own = registrable(host)
    if own in SHARED_DOMAINS or own.partition(".")[0] in SHARED_LABELS or host.removeprefix("www.") in SHARED_HOSTS:
        return ""
    return own


def domain_label(text: str) -> str:
    """The domain without its extension: enginy.com, enginy.es and enginy.co.uk are all "enginy".

    Weak evidence on its own: delta.com and delta.ai are different companies.
    """
    return domain(text).partition(".")[0]


def url(text: str) -> str:
    """A URL without scheme, "www.", default port, fragment and trailing slashes; case counts in the path only."""
    match = _ADDRESS.fullmatch(_cell(text))
    if match is None:
        return ""
    user, host, port, rest = match.groups()
    host = _host(host)
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    if user or "." not in host:
        return ""
    port = "" if port in {None, "", "80", "443"} else f":{port}"
    path, mark, query = (rest or "").partition("#")[0].partition("?")
    return f"{host}{port}{path.rstrip('/')}{mark if query else ''}{query}"


_EMAIL = re.compile(
    r"<?(?:mailto:)?([^\s@,;:<>]++)@([^\s@,;:<>/?.]++(?:\.[^\s@,;:<>/?.]++)++)\.?(?:\?\S*+)?>?",
)


def email(text: str) -> str:
    """One e-mail address in lower case. Dots and +tags in the local part count: whether they matter is the host's."""
    match = _EMAIL.fullmatch(_cell(text).lower())
    if match is None:
        return ""
    host = _host(match[2])
    return f"{match[1]}@{host}" if host else ""


# Anchored, or notlinkedin.com would do. Stores also keep the bare path: "in/ann-lee", "/company/acme".
_LINKEDIN = (
    r"(?:(?:https?:)?//)?(?:(?:(?!linkedin\.)[a-z0-9-]++\.)*+linkedin\.com/(?:mwlite/|comm/)?+|/?)"
    r"%s/([^\s/?#,;|<>\"]++)(?:[/?#]\S*+)?"
)
_PERSON = re.compile(_LINKEDIN % "in")
_COMPANY = re.compile(_LINKEDIN % "(?:company|school|showcase)")
# What is left by escaping twice, by bytes that are no UTF-8, or by an escaped separator: no slug.
_NO_SLUG = re.compile(r"[%\ufffd\s/?#,;|<>\"]")
# Slugs that lead to whoever is looking, or to nobody.
_NOBODY = frozenset({"me", "unavailable"})


def _linkedin_slug(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.fullmatch(_cell(text).lower())
    if match is None or match[1] in _NOBODY:
        return ""
    slug = match[1]
    if slug.isascii() and "%" not in slug:
        return slug
    slug = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", unquote(slug)).lower())
    return "" if slug in _NOBODY or _NO_SLUG.search(slug) else slug


def linkedin_person(text: str) -> str:
    """The slug of a person's public profile (linkedin.com/in/slug), in lower case and decoded."""
    return _linkedin_slug(_PERSON, text)


def linkedin_company(text: str) -> str:
    """The slug of an organisation's page: /company/, /school/ and /showcase/ share one set of slugs."""
    return _linkedin_slug(_COMPANY, text)


# --- telephone ---------------------------------------------------------------------------------------------------

# The first number: digits and punctuation up to a letter, "#", "," or ";", where an extension begins.
_NUMBER = re.compile(r"(\+?)[^\w+]*([0-9](?:[0-9]|[^\w#,;])*)")
_NOT_DIGITS = bytes(set(range(128)) - set(b"0123456789"))
_MIN_DIGITS, _MAX_DIGITS = 6, 15  # E.164 allows 15


def phone(text: str) -> str:
    """Digits of the first number, with "+" when it is international (+ or 00); its extension is dropped.

    A national number stays apart from the same number with its country code, because the country is not known.
    """
    if not text.isascii():
        narrow = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
        text = "".join([str(unicodedata.decimal(character, character)) for character in narrow])
    match = _NUMBER.search(text)
    if match is None:
        return ""
    international, number = match[1], match[2]
    if international or number.startswith("00"):
        number = number.replace("(0)", "")  # +44 (0)20: the nought is dialled only inside the country
    digits = number.encode("ascii", "ignore").translate(None, _NOT_DIGITS).decode("ascii")
    if international or digits.startswith("00"):
        international, digits = "+", digits.lstrip("0")
    return international + digits if _MIN_DIGITS <= len(digits) <= _MAX_DIGITS else ""


# --- keys --------------------------------------------------------------------------------------------------------


def key64(parts: tuple[str, ...]) -> int | None:
    """A stable signed 64-bit key of normalised parts, in order; None when a part, or every part, is missing.

    Equal keys are all but proof of equal parts (64 bits): confirm the values on a hit.
    """
    if not parts or "" in parts:
        return None
    joined = "\x1f".join(parts)
    if joined.count("\x1f") >= len(parts):  # a part holds the separator: say how long each part is
        joined = "\x1f" + "".join([f"{len(part)}:{part}" for part in parts])
    digest = blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


NORMALISERS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "text": fold,
        "exact": exact,
        "person_name": person_name,
        "company_name": company_name,
        "domain": domain,
        "domain_label": domain_label,
        "linkedin_person": linkedin_person,
        "linkedin_company": linkedin_company,
        "email": email,
        "phone": phone,
        "url": url,
    }
)
"""Normalisers by the name that match rules use."""
