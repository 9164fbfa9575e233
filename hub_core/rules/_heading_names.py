"""What people call the hub's fields in the headings of their files, in seven languages.

One line a language where it pays: English, German, Spanish, French, Italian, Portuguese, Dutch; within a field the
surest names come first, because the first named column wins. Case, accents, spaces and punctuation do not matter. The
id and the label of every field are names of it without being listed.
"""

EXTERNAL_ID = "externalId"
"""Not a field of the catalogue: the row's own id in the file, by which a second import finds it again."""

_ID = """
external id|record id|unique id|uuid|guid|source id|id
datensatz id|externe id|kennung|id externo|id de registro|id del registro|identificador|id externe|identifiant
id esterno|id record|identificativo|identificador externo|id do registro|extern id|record nummer
"""

_INDUSTRY = (
    "industry|sector|industry name|branche|industria|sector de actividad|secteur|secteur d'activité|settore|setor"
)
_DESCRIPTION = "description|about|beschreibung|descripción|descrizione|descrição|beschrijving|omschrijving"
_LOCATION = "location|standort|ubicación|localización|localisation|lieu|località|localização|locatie|ort und land"
_STREET = """
street address|street|address|address line 1|address 1|mailing street|billing street
straße|strasse|straße und hausnummer|anschrift|adresse|calle|dirección|domicilio|rue|adresse postale|via|indirizzo
rua|endereço|morada|straat|adres|straatnaam
"""
_POSTAL = """
postal code|zip code|zip|postcode|post code|mailing zip|billing zip|plz|postleitzahl|código postal|cp|code postal
cap|codice postale|cep|postcode plaats
"""
_CITY = "city|town|mailing city|billing city|stadt|ort|ciudad|localidad|población|ville|città|comune|cidade|stad|plaats"
_REGION = """
state or region|state region|region|state|province|state province|county|mailing state|billing state|bundesland|kanton
provincia|comunidad autónoma|región|estado|département|région|regione|distrito|provincie|regio
"""
_COUNTRY = "country|country region|mailing country|billing country|land|país|pays|paese|nazione"
_OWNER = (
    "owner|record owner|account owner|contact owner|company owner|inhaber|zuständig|propietario|propriétaire|eigenaar"
)
_TAGS = "tags|labels|schlagworte|etiquetas|étiquettes|etichette|trefwoorden"
_SOURCE = "source|lead source|original source|herkunft|quelle|leadquelle|origen|fuente|provenance|fonte|origem|bron"
_NOTES = "notes|note|comments|comment|remarks|notizen|bemerkungen|notas|comentarios|remarques|osservazioni|opmerkingen"
_WEBSITE = """
website|website url|web site|homepage|company website|company url|web|url|webseite|internetseite|internet
sitio web|página web|site web|site internet|sito web|sito internet|site|webpagina
"""
_DOMAIN = """
domain|company domain|company domain name|domain name|website domain|email domain|web domain
domäne|firmendomain|dominio|dominio de la empresa|nombre de dominio|domaine|nom de domaine|nome di dominio|dominio web
domínio|domeinnaam|domein
"""
_SIZE = """
company size|number of employees|employees|employee count|employee range|headcount|no of employees|size
unternehmensgröße|mitarbeiterzahl|anzahl mitarbeiter|mitarbeiter|tamaño de la empresa|número de empleados|empleados
taille de l'entreprise|effectif|nombre d'employés|dimensione azienda|dipendenti|numero di dipendenti
tamanho da empresa|número de funcionários|funcionários|bedrijfsgrootte|aantal medewerkers|medewerkers
"""

_SHARED = {
    EXTERNAL_ID: _ID,
    "industry": _INDUSTRY,
    "description": _DESCRIPTION,
    "location": _LOCATION,
    "streetAddress": _STREET,
    "postalCode": _POSTAL,
    "city": _CITY,
    "region": _REGION,
    "owner": _OWNER,
    "tags": _TAGS,
    "source": _SOURCE,
    "notes": _NOTES,
    "website": _WEBSITE,
    "domain": _DOMAIN,
}

CONTACT_NAMES = {
    **_SHARED,
    EXTERNAL_ID: f"contact id|lead id|person id|{_ID}",
    "firstName": """
first name|given name|forename|fname|vorname|rufname|nombre de pila|primer nombre|prénom|nome di battesimo
primeiro nome|nome próprio|voornaam|roepnaam
""",
    "lastName": """
last name|surname|family name|lname|nachname|familienname|zuname|apellido|apellidos|nom de famille|cognome|sobrenome
apelido|achternaam|familienaam
""",
    "fullName": """
full name|contact name|person name|lead name|name|vollständiger name|ansprechpartner|nombre completo|nombre y apellidos
nom complet|nom et prénom|prénom et nom|nome completo|nome e cognome|nominativo
volledige naam|contactpersoon|naam|nom|nome|nombre
""",
    "jobTitle": """
job title|title|position|role|job|job role|job position|designation|berufsbezeichnung|jobtitel|funktion|stelle|cargo
puesto|puesto de trabajo|intitulé du poste|poste|fonction|qualifica|posizione|ruolo|mansione|função|functie|functietitel
""",
    "companyName": """
company name|company|organization name|organisation name|organization|organisation|account name|account|employer
associated company|firma|firmenname|unternehmen|unternehmensname|arbeitgeber|organisation|empresa|nombre de la empresa
compañía|organización|entreprise|société|nom de l'entreprise|raison sociale|azienda|nome azienda|società
ragione sociale|nome da empresa|companhia|organização|bedrijf|bedrijfsnaam|organisatie|werkgever
""",
    "professionalEmail": """
professional email|work email|business email|company email|corporate email|email|email address|primary email|mail
email 1|e mail 1 value|geschäftliche email|email geschäftlich|email adresse|mailadresse|correo electrónico
correo profesional|correo|correo corporativo|dirección de correo electrónico|adresse email|adresse e mail|courriel
email professionnel|mél|indirizzo email|posta elettronica|email aziendale|endereço de email|email profissional
correio eletrónico|correio eletrônico|emailadres|zakelijk emailadres|zakelijke email
""",
    "personalEmails": """
personal emails|personal email|private email|home email|private emailadresse|email privat|correo personal
email personnel|email personale|email pessoal|privé email|persoonlijk emailadres
""",
    "mobilePhone": """
mobile phone|mobile phone number|mobile|mobile number|cell phone|cell|cellphone|mobiltelefon|mobil|mobilnummer|handy
handynummer|móvil|teléfono móvil|celular|téléphone portable|portable|mobile téléphone|cellulare|telefono cellulare
telemóvel|mobiel|mobiele telefoon|mobiel nummer|gsm
""",
    "directPhone": """
direct phone|direct dial|work phone|business phone|office phone|phone|phone number|telephone|telephone number|tel
durchwahl|telefon geschäftlich|telefon|telefonnummer|rufnummer|teléfono directo|teléfono|número de teléfono
ligne directe|téléphone|numéro de téléphone|telefono|telefono diretto|numero di telefono|telefone|telefoon
telefoonnummer
""",
    "phones": "other phones|other phone|phones|home phone|phone 2|weitere telefonnummern|otros teléfonos",
    "linkedInProfileUrl": """
linkedin profile url|linkedin url|linkedin profile|person linkedin url|contact linkedin url|linkedin|linkedin link
linkedin bio|profile url|linkedin profil|perfil de linkedin|url de linkedin|profil linkedin|profilo linkedin
perfil do linkedin|linkedin profiel
""",
    "linkedInHeadline": "linkedin headline|headline|titular de linkedin|slogan linkedin",
    "numberOfConnections": "number of connections|connections|linkedin connections|kontakte|conexiones|connexions",
    "imageUrl": "image url|picture|picture url|photo|photo url|avatar|profile picture|bild|foto|imagen|immagine|imagem",
    "contactCountry": f"contact country|person country|{_COUNTRY}",
    "timezone": "timezone|time zone|zeitzone|zona horaria|fuseau horaire|fuso orario|fuso horário|tijdzone",
    "subIndustries": "sub industries|sub industry|subindustry|unterbranche|subsector",
    "languages": "languages|language|preferred language|sprache|sprachen|idioma|idiomas|langue|lingua|taal",
    "seniority": "seniority|seniority level|management level|karrierestufe|antigüedad|ancienneté|senioridade",
    "department": "department|departments|abteilung|departamento|département entreprise|reparto|afdeling",
    "yearsInRole": "years in role|years in current role|jahre in der position|años en el puesto",
    "companySize": _SIZE,
    "icebreaker": "icebreaker|ice breaker|opening line|first line",
    "isUnsubscribed": "unsubscribed|is unsubscribed|opted out|opt out|email opt out|do not contact|abgemeldet",
    "birthday": """
birthday|date of birth|birth date|dob|geburtstag|geburtsdatum|fecha de nacimiento|cumpleaños|date de naissance
data di nascita|data de nascimento|geboortedatum
""",
}

COMPANY_NAMES = {
    **_SHARED,
    EXTERNAL_ID: f"company id|account id|organization id|organisation id|{_ID}",
    "name": """
company name|name|company|organization name|organisation name|organization|organisation|account name|account
business name|legal name|firmenname|firma|unternehmen|unternehmensname|nombre de la empresa|empresa|nombre
razón social|compañía|organización|nom de l'entreprise|entreprise|société|nom|raison sociale|nome azienda|azienda
ragione sociale|società|nome|nome da empresa|razão social|organização|bedrijfsnaam|bedrijf|naam|organisatie
""",
    "companyLinkedInUrl": """
company linkedin url|company linkedin|linkedin company page|linkedin company url|linkedin url|linkedin page|linkedin
linkedin link|linkedin unternehmensseite|linkedin de la empresa|url de linkedin|page linkedin|pagina linkedin
linkedin pagina
""",
    "numberOfEmployees": """
number of employees|employees|employee count|no of employees|headcount|total employees|full time employees
mitarbeiterzahl|anzahl mitarbeiter|mitarbeiter|número de empleados|empleados|plantilla|nombre d'employés|effectif
nombre de salariés|numero di dipendenti|dipendenti|número de funcionários|funcionários|aantal medewerkers|medewerkers
""",
    "companySize": _SIZE,
    "revenue": "revenue range|revenue band|umsatzklasse",
    "annualRevenue": """
annual revenue|revenue|turnover|yearly revenue|umsatz|jahresumsatz|ingresos anuales|facturación|chiffre d'affaires
fatturato|receita anual|faturamento|volume de negócios|jaaromzet|omzet
""",
    "growthPercent": "growth|growth percent|growth rate|wachstum|crecimiento|croissance|crescita|crescimento|groei",
    "foundedYear": """
founded year|year founded|founded|founding year|gründungsjahr|gegründet|año de fundación|année de création
anno di fondazione|ano de fundação|oprichtingsjaar
""",
    "companyType": "company type|ownership|unternehmenstyp|tipo de empresa|type d'entreprise|tipo di azienda",
    "streetAddress": f"company address|company street|headquarters address|{_STREET}",
    "postalCode": f"company postal code|company zip|{_POSTAL}",
    "city": f"company city|headquarters city|{_CITY}",
    "region": f"company state|headquarters state|{_REGION}",
    "country": f"company country|headquarters country|{_COUNTRY}",
    "phone": """
phone|phone number|company phone|main phone|telephone|telephone number|tel|telefon|telefonnummer|teléfono
número de teléfono|téléphone|numéro de téléphone|telefono|numero di telefono|telefone|telefoon|telefoonnummer
""",
    "email": """
company email|email|email address|contact email|general email|info email|mail|email adresse|correo electrónico|correo
adresse email|courriel|indirizzo email|posta elettronica|endereço de email|correio eletrônico|emailadres
security contact email
""",
    "subIndustries": "sub industries|sub industry|subindustry|unterbranche|subsector",
    "technologiesUsed": "technologies used|technologies|tech stack|technology|technologien|tecnologías|tecnologie",
    "sic": "sic|sic code|sic codes",
    "naics": "naics|naics code|naics codes",
    "funding": "funding|total funding|funding amount|finanzierung|financiación|financement|finanziamento|financiering",
    "ticker": "ticker|ticker symbol|stock symbol",
}
