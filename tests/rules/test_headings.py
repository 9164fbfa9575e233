"""Recognising the columns of a file."""

import pytest

from hub_core.model.fields import STANDARD_FIELDS
from hub_core.model.records import RecordKind
from hub_core.rules._heading_names import COMPANY_NAMES, CONTACT_NAMES, EXTERNAL_ID
from hub_core.rules.headings import guess_columns


def guessed(headings: str, *rows: str, kind: str = "contact") -> dict[str, str]:
    names = headings.split(",")
    return {
        names[column]: field for column, field in guess_columns(names, [row.split(",") for row in rows], kind).items()
    }


def test_every_listed_field_exists_and_can_be_written() -> None:
    for kind, names in ((RecordKind.CONTACT, CONTACT_NAMES), (RecordKind.COMPANY, COMPANY_NAMES)):
        known = {field.id for field in STANDARD_FIELDS[kind].values() if not field.read_only}
        assert set(names) - {EXTERNAL_ID} <= known


@pytest.mark.parametrize("kind", [RecordKind.CONTACT, RecordKind.COMPANY])
def test_ids_and_labels_of_all_fields_are_recognised(kind: RecordKind) -> None:
    fields = [field for field in STANDARD_FIELDS[kind].values() if not field.read_only]
    for headings in ([field.id for field in fields], [field.label for field in fields]):
        assert guess_columns(headings, [], kind) == dict(enumerate(field.id for field in fields))


@pytest.mark.parametrize(("kind", "field"), [("contact", "professionalEmail"), ("company", "email")])
def test_words_for_nothing_do_not_speak_against_a_heading(kind: str, field: str) -> None:
    assert guessed("Email", "n/a", "-", " NULL ", "None", kind=kind) == {"Email": field}
    assert guessed("Email", "n/a", "Sales", kind=kind) == {}


def test_a_list_of_legislators_is_understood() -> None:
    headings = (
        "external_id,first_name,last_name,full_name,job_title,company_name,company_domain,website,phone,address,state,"
        "party,birthday,gender,twitter,wikipedia"
    )
    row = (
        "C000127,Maria,Cantwell,Maria Cantwell,U.S. Senator,United States Senate,senate.gov,"
        "https://www.cantwell.senate.gov,202-224-3441,511 Hart Senate Office Building,WA,Democrat,1958-10-13,F,"
        "SenatorCantwell,Maria Cantwell"
    )
    assert guessed(headings, row) == {
        "external_id": "externalId",
        "first_name": "firstName",
        "last_name": "lastName",
        "full_name": "fullName",
        "job_title": "jobTitle",
        "company_name": "companyName",
        "company_domain": "domain",
        "website": "website",
        "phone": "directPhone",
        "address": "streetAddress",
        "state": "region",
        "birthday": "birthday",
    }


def test_a_list_of_government_domains_is_understood() -> None:
    headings = "Domain name,Domain type,Organization name,Suborganization name,City,State,Security contact email"
    rows = ["29palms.gov,City,City of Twentynine Palms,,Twentynine Palms,CA,", "x.gov,City,X,,Y,MI,soc@walker.city"]
    assert guessed(headings, *rows, kind="company") == {
        "Domain name": "domain",
        "Organization name": "name",
        "City": "city",
        "State": "region",
        "Security contact email": "email",
    }


@pytest.mark.parametrize(
    "headings",
    [
        "First Name,Last Name,Job Title,Company,Email Address,Mobile,City,Country",
        "Vorname,Nachname,Funktion,Firma,E-Mail-Adresse,Handy,Ort,Land",
        "Nombre,Apellidos,Cargo,Empresa,Correo electrónico,Teléfono móvil,Ciudad,País",
        "Prénom,Nom de famille,Poste,Entreprise,Adresse e-mail,Portable,Ville,Pays",
        "Nome di battesimo,Cognome,Ruolo,Azienda,Indirizzo email,Cellulare,Città,Paese",
        "Primeiro nome,Sobrenome,Função,Empresa,E-mail,Celular,Cidade,País",
        "Voornaam,Achternaam,Functie,Bedrijf,E-mailadres,Mobiel,Plaats,Land",
    ],
)
def test_headings_in_seven_languages_are_understood(headings: str) -> None:
    fields = "firstName lastName jobTitle companyName professionalEmail mobilePhone city contactCountry"
    assert list(guessed(headings).values()) == fields.split()


def test_an_export_of_companies_from_a_crm_is_understood() -> None:
    headings = (
        "Record ID,Company name,Company Domain Name,Website URL,Number of Employees,Annual Revenue,LinkedIn URL,Zip"
    )
    assert guessed(headings, kind="company") == {
        "Record ID": "externalId",
        "Company name": "name",
        "Company Domain Name": "domain",
        "Website URL": "website",
        "Number of Employees": "numberOfEmployees",
        "Annual Revenue": "annualRevenue",
        "LinkedIn URL": "companyLinkedInUrl",
        "Zip": "postalCode",
    }


def test_case_spacing_and_punctuation_of_a_heading_do_not_matter() -> None:
    for heading in ("First Name", "first_name", "FIRSTNAME", "firstName", " First-Name: "):
        assert guess_columns([heading], [], "contact") == {0: "firstName"}


def test_a_field_is_given_to_the_surest_name_only() -> None:
    assert guessed("Email,Work email") == {"Work email": "professionalEmail"}
    assert guessed("Work email,Personal email") == {
        "Work email": "professionalEmail",
        "Personal email": "personalEmails",
    }


def test_of_two_equal_names_the_column_with_fitting_values_wins() -> None:
    assert guess_columns(["E-Mail", "Email"], [["", "ann@acme.com"]], "contact") == {1: "professionalEmail"}


def test_a_column_whose_values_do_not_fit_is_not_recognised() -> None:
    assert guessed("Domain,Phone", "Sales,yes", "HR,no") == {}


def test_a_heading_that_says_more_than_a_field_is_not_taken_for_it() -> None:
    assert guessed("Manager email,Email status,Careers URL,Previous company", "a@b.com,ok,b.com/jobs,Acme") == {}


def test_a_bare_name_is_the_half_that_is_missing() -> None:
    assert guessed("Vorname,Name") == {"Vorname": "firstName", "Name": "lastName"}
    assert guessed("Nom,Prénom") == {"Nom": "lastName", "Prénom": "firstName"}
    assert guessed("Nome,Cognome") == {"Nome": "firstName", "Cognome": "lastName"}
    assert guessed("Nombre,Nombre completo,Apellidos")["Nombre"] == "firstName"
    assert guessed("Name") == {"Name": "fullName"}
    assert guessed("First name,Last name,Name")["Name"] == "fullName"


def test_a_range_of_employees_is_a_size_and_not_a_number() -> None:
    assert guessed("Employees", "11-50", kind="company") == {"Employees": "companySize"}
    assert guessed("Employees", "1'250", kind="company") == {"Employees": "numberOfEmployees"}


def test_unknown_and_blank_headings_are_left_out() -> None:
    assert guessed("Party,,Wikipedia,???", "a,b,c,d") == {}
    assert guess_columns([], [], "company") == {}
