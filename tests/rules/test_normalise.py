"""Normalisers: the documented examples, the traps, and the properties that hold for any text."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from hub_core.rules._suffixes import registrable
from hub_core.rules._tables import _LEGAL_FORMS, SHARED_DOMAINS, SHARED_HOSTS
from hub_core.rules.normalise import (
    NORMALISERS,
    company_name,
    domain,
    domain_label,
    email,
    exact,
    fold,
    key64,
    linkedin_company,
    linkedin_person,
    person_name,
    phone,
    url,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "normalisation.md"
EXAMPLE = re.compile(r"^\| `(\w+)` \| `(.*)` \| `(.*)` \|$", re.MULTILINE)
EXAMPLES = [
    (name, value, "" if key == "·" else key) for name, value, key in EXAMPLE.findall(DOCUMENT.read_text("utf-8"))
]

# Their keys are no longer values of the field: "enginy" is no domain, "ann-lee" no profile.
RECOGNISERS = {"domain_label", "linkedin_person", "linkedin_company"}

FORM_WORDS = sorted({word for line in _LEGAL_FORMS for word in line.replace("|", " ").split()})
names_with_forms = st.lists(
    st.sampled_from([*FORM_WORDS, *"abcgklnsv", "the", "and", "acme", "x", "株式会社日立", "日立有限公司"]), max_size=7
).map(" ".join)
hosts = st.lists(
    st.sampled_from(["acme", "www", "co", "com", "uk", "de", "xn--bcher-kva", "Bücher", "1", "", "gmail"]), max_size=5
)
addresses = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "https://", "//", "mailto:", "a@", "http://www.", " "]),
    hosts.map(".".join),
    st.sampled_from(["", "/", ":80", "/a/b/?c#d", ".", "?", "/in/x", " "]),
)
slugs = st.builds(
    "{}{}{}".format,
    st.sampled_from(["in/", "https://www.linkedin.com/in/", "/company/", "linkedin.com/school/"]),
    st.text(max_size=8) | st.sampled_from(["ann-lee", "jos%C3%A9", "%2525", "%ff", "a%2Fb", "É"]),
    st.sampled_from(["", "/", "/en", "?x=1"]),
)
anything = (
    st.text()
    | names_with_forms
    | addresses
    | slugs
    | st.from_regex(r"\+?[0-9() /.-]{5,20}( ?x[0-9]+)?", fullmatch=True)
)


def test_the_document_shows_every_normaliser() -> None:
    assert {name for name, _, _ in EXAMPLES} == set(NORMALISERS)
    assert len(EXAMPLES) > 100


@pytest.mark.parametrize(("name", "value", "key"), EXAMPLES)
def test_documented_examples_hold(name: str, value: str, key: str) -> None:
    assert NORMALISERS[name](value) == key


# --- any text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(NORMALISERS) - RECOGNISERS))
@given(value=anything)
def test_a_key_is_its_own_key(name: str, value: str) -> None:
    key = NORMALISERS[name](value)
    assert NORMALISERS[name](key) == key


@given(value=anything)
def test_a_recognised_part_is_recognised_again(value: str) -> None:
    label, person, company = domain_label(value), linkedin_person(value), linkedin_company(value)
    assert not label or domain_label(f"{label}.example") == label
    assert not person or linkedin_person(f"https://www.linkedin.com/in/{person}/") == person
    assert not company or linkedin_company(f"https://www.linkedin.com/company/{company}/") == company


@pytest.mark.parametrize("name", sorted(NORMALISERS))
@given(value=st.text(st.characters(categories=None)))
@example("")
@example("\ud800")
@example("xn--\udcff.com")
@example("xn--99999999999999999999.com")
@example("linkedin.com/in/%ff%")
def test_nothing_makes_a_normaliser_raise(name: str, value: str) -> None:
    key = NORMALISERS[name](value)
    assert key == key.strip()


@given(value=st.text())
def test_surrounding_space_and_case_do_not_matter_to_folding(value: str) -> None:
    assert fold(f" \t{value}\u00a0\u200b") == fold(value)
    if value.isascii():
        assert fold(value.upper()) == fold(value)


# --- folding -----------------------------------------------------------------------------------------------------


def test_folding_never_merges_two_letters_of_another_script() -> None:
    """Every letter beyond Latin and Greek is told apart from every other, but for case, width and ё."""
    seen: dict[str, str] = {}
    for code in range(0x370, 0x32000):
        letter = chr(code)
        name = unicodedata.name(letter, "")
        if unicodedata.category(letter) not in {"Lu", "Ll", "Lo"} or re.match("LATIN|GREEK", name) or letter in "Ёё":
            continue
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", letter).lower())
        if not plain.isalpha() or re.search("LATIN|GREEK", " ".join(unicodedata.name(part, "") for part in plain)):
            continue
        key = fold(letter)
        assert key, f"{letter!r} is lost"
        assert seen.setdefault(key, plain) == plain, f"{letter!r} meets {seen[key]!r}"


@given(st.text(st.characters(categories=["Lo"]), min_size=1), st.text(st.characters(categories=["Lo"]), min_size=1))
@example("王伟", "王薇")
@example("王伟", "Мария")
@example("Мария", "Марина")
@example("й", "и")
def test_two_names_in_other_scripts_stay_two_names(one: str, other: str) -> None:
    same = unicodedata.normalize("NFKC", one) == unicodedata.normalize("NFKC", other)
    assert same or fold(one) != fold(other)


def test_every_latin_letter_with_a_mark_becomes_plain_ascii() -> None:
    left = [
        letter
        for letter in map(chr, range(0x80, 0x250))
        if unicodedata.category(letter) in {"Lu", "Ll"}
        and re.search(" [A-Z]{1,2} WITH ", unicodedata.name(letter))
        and not fold(letter).isascii()
    ]
    assert not left


def test_composed_and_decomposed_letters_meet() -> None:
    for name in ("José", "Андрей", "ガンダム", "한국", "Łódź", "Ünal"):
        assert fold(unicodedata.normalize("NFD", name)) == fold(name) != ""
    assert fold("Андреи") != fold("Андрей")


def test_invisible_characters_do_not_part_names() -> None:
    assert fold("Jo\u200bhn\ufeff") == fold("J\u00adohn") == fold("\u202aJohn\u202c") == "john"


def test_all_kinds_of_apostrophe_and_dash_meet() -> None:
    assert {person_name(f"O{mark}Brien") for mark in ["", *"'’‘ʼʻ`´′＇"]} == {"obrien"}
    assert {person_name(f"Anne{mark}Marie") for mark in " -‐‑‒–—―－"} == {"anne marie"}


def test_a_name_of_signs_alone_has_no_key() -> None:
    assert {person_name(value) for value in ("", "-", "...", "\u200b", "💥", "?")} == {""}


# --- companies ---------------------------------------------------------------------------------------------------


FORMS = (
    "Inc|Inc.|Incorporated|LLC|L.L.C.|Ltd|Ltd.|Limited|PLC|Corp.|Corporation|Co.|Company|Co., Ltd.|LLP|GmbH|AG|SE|KGaA|"
    "gGmbH|UG (haftungsbeschränkt)|GmbH & Co. KG|GmbH & Co KG|OHG|e.K.|S.A.|SA|S.A.S.|SARL|S.à r.l.|S.L.|SL|S.L.U.|"
    "S.r.l.|Srl|SpA|S.p.A.|B.V.|BV|N.V.|AB|AB (publ)|A/S|AS|ApS|Oy|OYJ|OÜ|Pty Ltd|Pty. Ltd.|Pte. Ltd.|Pvt. Ltd.|"
    "Private Limited|(Pty) Ltd|Sdn. Bhd.|K.K.|KK|Kft.|Zrt.|s.r.o.|a.s.|spol. s r.o.|d.o.o.|Sp. z o.o.|Ltda.|Lda|S/A|"
    "S.A. de C.V.|S. de R.L. de C.V.|A.Ş.|Ltd. Şti.|PJSC|FZE|ООО|株式会社|(株)|有限公司|주식회사|"
    "Limited Liability Company"
)


@pytest.mark.parametrize("form", FORMS.split("|"))
def test_a_legal_form_at_the_end_is_dropped(form: str) -> None:
    assert company_name(f"Nordwind {form}") == company_name(f"NORDWIND, {form}") == "nordwind"
    assert company_name(form), "a company may be called like a legal form"


@given(names_with_forms)
def test_a_company_name_never_becomes_empty(name: str) -> None:
    assert bool(company_name(name)) == bool(fold(name))


def test_words_that_only_look_like_legal_forms_stay() -> None:
    assert company_name("Costco") == "costco"
    assert company_name("Saab") == "saab"
    assert company_name("Inc Magazine") == "inc magazine"
    assert company_name("Vitamin A B.V.") == company_name("Vitamin A BV") == "vitamin a"
    assert company_name("Theatre Royal") == "theatre royal"


# --- domains -----------------------------------------------------------------------------------------------------


def test_every_shared_domain_is_a_registrable_domain_and_gives_no_key() -> None:
    assert len(SHARED_DOMAINS) > 200
    assert not [name for name in SHARED_DOMAINS if registrable(name) != name]
    assert not [name for name in SHARED_DOMAINS | SHARED_HOSTS if domain(f"https://www.{name}/x") or domain_label(name)]


LABELS = [
    "www",
    "city",
    "kawasaki",
    "kobe",
    "co",
    "com",
    "gov",
    "ck",
    "uk",
    "jp",
    "bücher",
    "de",
    "公司",
    "cn",
    "no",
    "bd",
    "test1",
]


@given(st.lists(st.sampled_from(LABELS), min_size=1, max_size=5).map(".".join))
@example("www.ck")
@example("x.www.ck")
@example("a.city.kawasaki.jp")
@example("kawasaki.jp")
def test_registrable_domains_agree_with_the_reference_implementation(host: str) -> None:
    reference = PUBLIC_SUFFIXES.privatesuffix(host)
    assert registrable(host) == (reference or "")


PUBLIC_SUFFIXES = PublicSuffixList(accept_unknown=False, only_icann=True)


def test_two_offices_under_one_suffix_are_two_domains() -> None:
    assert domain("house.gov") != domain("senate.gov")
    assert domain("acme.co.uk") != domain("enginy.co.uk")


def test_addresses_never_identify_a_company() -> None:
    for cell in ("10.1.2.3", "http://192.168.0.1/x", "10.1.2.3:80", "1.2.3.4.", "[2001:db8::1]", "ann@10.0.0.1"):
        assert domain(cell) == domain_label(cell) == ""


def test_malformed_cells_have_no_domain() -> None:
    cells = [
        "a.com;b.com",
        "a.com|b.com",
        "a.com / b.com",
        "see acme.com",
        "acme..com",
        ".acme.com",
        "acme,com",
        "https://",
    ]
    cells += [
        "a@x.com, b@y.com",
        "Ann <ann@acme.com>",
        "xn--.com",
        "xn--abc.xn--",
        "acme.com\nacme.de",
        "n/a",
        "none",
        "-",
    ]
    assert {cell: domain(cell) for cell in cells if domain(cell)} == {}


def test_the_many_ways_to_write_one_domain_meet() -> None:
    ways = [
        "bücher.de",
        "BÜCHER.DE",
        "bu\u0308cher.de",
        "xn--bcher-kva.de",
        "XN--BCHER-KVA.DE.",
        "www.bücher.de/a b"[:-2],
    ]
    ways += ["bücher。de", "bücher.de\u200b", "ann@bücher.de", "https://www.Bücher.de:8080/x?y", "//shop.bücher.de#x"]
    assert {domain(way) for way in ways} == {"bücher.de"}
    assert {domain_label(way) for way in ways} == {"bücher"}


# --- LinkedIn, e-mail, telephone, URL ----------------------------------------------------------------------------


def test_the_many_ways_to_write_one_profile_meet() -> None:
    ways = "https://www.linkedin.com/in/Ann-Lee-123/|http://de.linkedin.com/in/ann-lee-123?trk=x#y|in/ann-lee-123"
    ways += "|linkedin.com/in/ann-lee-123/en|/in/ann-lee-123/details/experience|//www.linkedin.com/in/ann-lee-123"
    ways += "|https://m.linkedin.com/in/ann-lee-123/|www.linkedin.com/comm/in/ann-lee-123|LINKEDIN.COM/IN/ANN-LEE-123"
    ways += "| https://linkedin.com/in/ann%2Dlee-123 "
    assert {linkedin_person(way) for way in ways.split("|")} == {"ann-lee-123"}


def test_an_escaped_and_a_raw_letter_meet_in_a_profile() -> None:
    ways = [
        "in/josé-gómez",
        "in/jos%C3%A9-g%c3%b3mez",
        "in/JOSÉ-GÓMEZ",
        "in/JOS%C3%89-G%C3%93MEZ",
        "in/jose\u0301-go\u0301mez",
    ]
    assert {linkedin_person(way) for way in ways} == {"josé-gómez"}
    assert linkedin_person("in/jose-gomez") != linkedin_person("in/josé-gómez")


def test_what_is_no_profile_has_no_key() -> None:
    cells = "https://notlinkedin.com/in/x|https://linkedin.com.evil.org/in/x|https://evil.org/?u=linkedin.com/in/x|lnkd.in/abc"
    cells += "|https://www.linkedin.com/|https://www.linkedin.com/in/|https://www.linkedin.com/feed|https://linkedin.com/in/%FF"
    cells += (
        "|https://www.linkedin.com/in/a https://www.linkedin.com/in/b|linkedin.com/in/a%2Fb|linkedin|n/a|in/|xin/ann"
    )
    assert {cell: linkedin_person(cell) for cell in cells.split("|") if linkedin_person(cell)} == {}


def test_an_email_has_one_at_sign_and_a_dot_behind_it() -> None:
    bad = [
        "ann",
        "ann@acme",
        "@acme.com",
        "ann@",
        "ann@@acme.com",
        "a b@acme.com",
        "ann@.com",
        "ann@acme..com",
        "ann@acme.",
        "",
    ]
    assert {cell: email(cell) for cell in bad if email(cell)} == {}
    assert email("<Ann@Acme.COM>") == "ann@acme.com"


def test_the_many_ways_to_write_one_number_meet() -> None:
    ways = "+34 600 123 456|0034 600123456|+34-600-12-34-56|(+34) 600.123.456|tel:+34600123456|＋34 600 123 456"
    ways += "|+34 600 123 456 x12|+34 600 123 456 ext 12|+34 600 123 456#12|+34 600 123 456;ext=12"
    ways += "|\u202a+34 600 123 456\u202c|+34\u00a0600‑123‑456|Móvil: +34 600 123 456"
    assert {phone(way) for way in ways.split("|")} == {"+34600123456"}
    assert phone("600 123 456") == "600123456"
    assert phone("1234567890 / 0987654321") == "", "two numbers in a cell"


def test_urls_differ_in_path_and_port_only() -> None:
    assert url("https://www.acme.com//") == url("acme.com") == "acme.com"
    assert url("acme.com/a") != url("acme.com/b") != url("acme.com:8080/b")
    assert url("https://www.tiktok.com/@acme") == "tiktok.com/@acme"
    assert url("localhost") == url("see acme.com") == ""


# --- keys --------------------------------------------------------------------------------------------------------


def test_a_key_is_the_same_on_every_machine() -> None:
    assert key64(("ann", "lee", "acme")) == KNOWN_KEY
    assert key64(("王伟",)) != key64(("мария",))


KNOWN_KEY = 3748554870846589536


def test_a_blank_part_gives_no_key() -> None:
    assert key64(("ann", "", "acme")) is None
    assert key64(("",)) is None
    assert key64(()) is None


@given(st.lists(st.text(min_size=1), min_size=1), st.lists(st.text(min_size=1), min_size=1))
@example(["a", "b"], ["a\x1fb"])
@example(["a\x1f", "b"], ["a", "\x1fb"])
@example(["ab", "c"], ["a", "bc"])
@example(["\x1f1:a"], ["a"])
@example(["1:a", "b"], ["\x1f", "a", "b"])
def test_only_the_same_parts_in_the_same_order_share_a_key(one: list[str], other: list[str]) -> None:
    assert (key64(tuple(one)) == key64(tuple(other))) == (one == other)


@given(st.text(st.characters(categories=None), min_size=1))
def test_a_key_fits_a_signed_64_bit_column(part: str) -> None:
    key = key64((part,))
    assert key is not None
    assert -(2**63) <= key < 2**63


def test_exact_keeps_what_tells_codes_apart() -> None:
    assert exact("A-1") != exact("A 1") != exact("A1")
    assert exact(" a  1\n") == exact("A 1")
