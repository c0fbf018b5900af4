"""People: focal points, contacts, experts. Their title is the name to show."""

from chm_node.namespaces import CHM, FOAF, ORG, SDO, VCARD
from chm_node.schema import (
    CONTACT_DETAILS,
    Agent,
    Choice,
    Date,
    Field,
    Language,
    LocalisedText,
    RecordReference,
    RecordType,
    Term,
    header,
)

NAME_TO_SHOW = header("title", label="Name", hint="The full name to show, in each script it is written in.")
PERSON: tuple[Field, ...] = (
    NAME_TO_SHOW,
    LocalisedText("honorific", SDO.honorificPrefix, "Form of address", hint="Such as Mr, Ms, Dr or Prof."),
    LocalisedText("first_name", FOAF.givenName, "First name"),
    LocalisedText("last_name", FOAF.familyName, "Last name"),
    LocalisedText("position", SDO.jobTitle, "Position"),
    LocalisedText("department", ORG.unitOf, "Department"),
    Agent("organisation", SDO.worksFor, "Organisation"),
    *CONTACT_DETAILS,
)

FOCAL_POINT = RecordType(
    "focal-point",
    ORG.Post,
    "National focal point",
    (
        *PERSON,
        header("government", required=True, hint="The country that appointed the focal point."),
        Term(
            "roles",
            ORG.role,
            "Focal point for",
            required=True,
            many=True,
            schemes=("focal-point-types",),
            hint="Every convention or task the person was appointed for.",
        ),
        Date("appointed_on", SDO.startDate, "Appointed on"),
        Date("ended_on", SDO.endDate, "Appointment ended on"),
        RecordReference(
            "designation_letter",
            CHM.designationLetter,
            "Letter of designation",
            types=("document",),
            hint="The letter by which the government named the focal point.",
        ),
    ),
    more_classes=(VCARD.Individual,),
)

CONTACT = RecordType("contact", FOAF.Person, "Contact", PERSON)

EXPERT = RecordType(
    "expert",
    FOAF.Person,
    "Expert",
    (
        *PERSON,
        LocalisedText("expertise", SDO.knowsAbout, "Fields of expertise", many=True),
        Language("speaks", SDO.knowsLanguage, "Working languages", many=True),
        Choice("availability", CHM.availability, "Availability", choices=("available", "on request", "not available")),
        Choice(
            "consent",
            CHM.consent,
            "Consent to publication",
            choices=("given in writing", "given by mail", "not given"),
            hint="Personal details are published only with the person's consent.",
        ),
    ),
)

TYPES = (FOCAL_POINT, CONTACT, EXPERT)
