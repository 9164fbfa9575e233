"""The properties which a contact has in a new simulated account."""

from __future__ import annotations

from hub_hubspot.simulator.schema import (
    Property,
    checkboxes,
    date,
    flag,
    moment,
    number,
    options,
    owner,
    phone,
    select,
    system,
    text,
)

LIFECYCLE_STAGES = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
)
LEAD_STATUSES = (
    ("NEW", "New"),
    ("OPEN", "Open"),
    ("IN_PROGRESS", "In Progress"),
    ("OPEN_DEAL", "Open Deal"),
    ("UNQUALIFIED", "Unqualified"),
    ("ATTEMPTED_TO_CONTACT", "Attempted to Contact"),
    ("CONNECTED", "Connected"),
    ("BAD_TIMING", "Bad Timing"),
)
ANALYTICS_SOURCES = options(
    "ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "REFERRALS", "OFFLINE", "DIRECT_TRAFFIC"
)
CUSTOM = {"group": "custom_properties", "custom": True, "form_field": True}

CONTACTS: tuple[Property, ...] = (
    *system("createdate", "lastmodifieddate"),
    text("email", "Email", email=True, form_field=True),
    text("firstname", "First Name", form_field=True),
    text("lastname", "Last Name", form_field=True),
    text("salutation", "Salutation"),
    text("jobtitle", "Job Title", form_field=True),
    text("company", "Company Name", form_field=True),
    phone("phone", "Phone Number", form_field=True),
    phone("mobilephone", "Mobile Phone Number"),
    phone("fax", "Fax Number"),
    text("website", "Website URL"),
    text("address", "Street Address"),
    text("city", "City"),
    text("state", "State/Region"),
    text("zip", "Postal Code"),
    text("country", "Country/Region"),
    text("hs_linkedin_url", "LinkedIn URL", group="contact_activity"),
    text("twitterhandle", "Twitter Username"),
    select(
        "hs_language", "Preferred language", (("en", "English"), ("nl", "Dutch"), ("de", "German"), ("fr", "French"))
    ),
    text("industry", "Industry"),
    select(
        "numemployees",
        "Number of Employees",
        (("1-5", "1-5"), ("5-25", "5-25"), ("25-50", "25-50"), ("50-100", "50-100")),
    ),
    text("annualrevenue", "Annual Revenue"),
    select("lifecyclestage", "Lifecycle Stage", LIFECYCLE_STAGES),
    select("hs_lead_status", "Lead Status", LEAD_STATUSES),
    owner("hubspot_owner_id", "Contact owner"),
    checkboxes(
        "hs_buying_role", "Buying Role", options("BLOCKER", "BUDGET_HOLDER", "CHAMPION", "DECISION_MAKER", "INFLUENCER")
    ),
    text("date_of_birth", "Date of birth"),
    text("seniority", "Seniority"),
    text("job_function", "Job function"),
    text("message", "Message", field_type="textarea"),
    moment("closedate", "Close Date"),
    flag("hs_email_optout", "Unsubscribed from all email", read_only=True, group="emailinformation"),
    number("hs_email_bounce", "Marketing emails bounced", read_only=True, group="emailinformation"),
    number("num_associated_deals", "Number of Associated Deals", calculated=True),
    select("hs_analytics_source", "Original Traffic Source", ANALYTICS_SOURCES, read_only=True),
    moment("notes_last_contacted", "Last Contacted", read_only=True, group="sales_properties"),
    text("hs_additional_emails", "Additional email addresses", read_only=True),
    text("hs_email_domain", "Email Domain", calculated=True),
    text("hs_full_name_or_email", "Full name or email", calculated=True),
    phone("hs_searchable_calculated_phone_number", "Calculated phone number", calculated=True, hidden=True),
    phone("hs_searchable_calculated_mobile_number", "Calculated mobile number", calculated=True, hidden=True),
    number("fit_score", "Fit score", **CUSTOM),
    date("first_meeting_date", "First meeting", **CUSTOM),
    moment("last_webinar_at", "Last webinar", **CUSTOM),
    flag("newsletter_consent", "Newsletter consent", **CUSTOM),
    checkboxes("interests", "Interests", (("A", "Automation"), ("B", "Benchmarks"), ("C", "Content")), **CUSTOM),
    Property("direct_dial", "Direct dial", type="phone_number", field_type="phonenumber", **CUSTOM),
    select("segment", "Segment", (("smb", "Small business"), ("ent", "Enterprise")), **CUSTOM),
)
