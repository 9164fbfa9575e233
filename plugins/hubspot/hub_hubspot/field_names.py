"""Which HubSpot property usually holds which hub field, for the proposed mapping; best first."""

from __future__ import annotations

from collections.abc import Mapping

from hub_core.plugin import RecordKind

FIELD_NAMES: Mapping[RecordKind, Mapping[str, tuple[str, ...]]] = {
    RecordKind.CONTACT: {
        "firstName": ("firstname",),
        "lastName": ("lastname",),
        "professionalEmail": ("email",),
        "jobTitle": ("jobtitle",),
        "companyName": ("company",),
        "mobilePhone": ("mobilephone",),
        "directPhone": ("phone",),
        "phones": ("phone",),
        "linkedInProfileUrl": ("hs_linkedin_url",),
        "streetAddress": ("address",),
        "postalCode": ("zip",),
        "city": ("city",),
        "region": ("state", "hs_state_code"),
        "contactCountry": ("country", "hs_country_region_code"),
        "timezone": ("hs_timezone",),
        "languages": ("hs_language",),
        "industry": ("industry",),
        "seniority": ("hs_seniority", "seniority"),
        "department": ("hs_role",),
        "companySize": ("company_size",),
        "website": ("website",),
        "birthday": ("date_of_birth",),
        "notes": ("message",),
        "owner": ("hubspot_owner_id",),
    },
    RecordKind.COMPANY: {
        "name": ("name",),
        "domain": ("domain",),
        "website": ("website",),
        "companyLinkedInUrl": ("linkedin_company_page",),
        "industry": ("industry",),
        "numberOfEmployees": ("numberofemployees",),
        "companySize": ("hs_employee_range",),
        "revenue": ("hs_revenue_range",),
        "annualRevenue": ("annualrevenue",),
        "foundedYear": ("founded_year",),
        "companyType": ("type",),
        "description": ("description", "about_us"),
        "streetAddress": ("address",),
        "postalCode": ("zip",),
        "city": ("city",),
        "region": ("state", "hs_state_code"),
        "country": ("country", "hs_country_code"),
        "phone": ("phone",),
        "technologiesUsed": ("web_technologies",),
        "funding": ("total_money_raised",),
        "owner": ("hubspot_owner_id",),
    },
}
