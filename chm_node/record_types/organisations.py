"""Organisations and how they work together: authorities, organisations, committees, networks."""

from chm_node.namespaces import CHM, ELI, ORG, SDO, SKOS
from chm_node.record_types.people import NAME_TO_SHOW
from chm_node.schema import (
    CONTACT_DETAILS,
    PLACE_SCHEMES,
    Agent,
    Date,
    DateRange,
    Field,
    Group,
    Language,
    LocalisedText,
    Place,
    RecordReference,
    RecordType,
    Term,
    Text,
    YesNo,
    header,
)

ORGANISATION: tuple[Field, ...] = (
    NAME_TO_SHOW,
    LocalisedText("acronym", SKOS.altLabel, "Acronym"),
    *CONTACT_DETAILS,
    Place("location", SDO.location, "Location"),
    Date("founded_on", SDO.foundingDate, "Founded on"),
    RecordReference("legal_basis", CHM.legalBasis, "Legal basis", many=True, types=("measure", "decision")),
    RecordReference("parent", ORG.subOrganizationOf, "Belongs to", many=True, types=("organization", "authority")),
)

MEMBERS = Group(
    "members",
    ORG.hasMembership,
    "Members",
    many=True,
    rdf_class=ORG.Membership,
    parts=(
        Agent("member", ORG.member, "Member", required=True),
        LocalisedText("role", SDO.roleName, "Role"),
        DateRange("term", ORG.memberDuring, "Term of office"),
    ),
    hint="Each member with its role and term of office.",
)

MANDATES = Group(
    "mandates",
    CHM.mandate,
    "Mandates",
    many=True,
    rdf_class=SDO.Role,
    parts=(
        LocalisedText("mandate", SDO.roleName, "Mandate"),
        RecordReference("decision", CHM.legalBasis, "Decision behind it", types=("decision", "commitment")),
        DateRange("term", ORG.memberDuring, "Period"),
    ),
    hint="What the body was asked to do, by which decision and for how long.",
)

AUTHORITY = RecordType(
    "authority",
    ORG.FormalOrganization,
    "Competent national authority",
    (
        *ORGANISATION,
        header("government", required=True, hint="The country that named the authority."),
        YesNo(
            "responsible_for_all",
            CHM.responsibleForAll,
            "Responsible for everything under the treaty",
            hint="If not, say below what it is responsible for.",
        ),
        LocalisedText("responsibilities", ORG.purpose, "Responsibilities"),
        Term("jurisdiction", ELI.jurisdiction, "Jurisdiction", schemes=("jurisdictions",)),
        LocalisedText("functions", CHM.function, "Functions", many=True),
        LocalisedText("resource_types", CHM.resourceType, "Organisms or genetic resources it deals with", many=True),
    ),
)

ORGANIZATION = RecordType(
    "organization",
    ORG.Organization,
    "Organization",
    (
        *ORGANISATION,
        Term("kind", ORG.classification, "Kind of organisation", schemes=("organization-types",)),
        Term(
            "serves",
            SDO.areaServed,
            "Countries and regions served",
            many=True,
            facet="country",
            schemes=PLACE_SCHEMES,
        ),
        LocalisedText("areas_of_work", SDO.knowsAbout, "Areas of work", many=True),
        Language("works_in", SDO.knowsLanguage, "Working languages", many=True),
        RecordReference("linked", ORG.linkedTo, "Linked organisations", many=True, types=("organization",)),
        MANDATES,
    ),
)

COLLABORATION: tuple[Field, ...] = (
    *ORGANISATION,
    MEMBERS,
    MANDATES,
    Agent("secretariat", CHM.secretariat, "Secretariat"),
    RecordReference("meetings", SDO.subEvent, "Meetings", many=True, types=("meeting", "event")),
)

COMMITTEE = RecordType("committee", ORG.OrganizationalCollaboration, "Committee or working group", COLLABORATION)

NETWORK = RecordType("network", ORG.OrganizationalCollaboration, "Partnership or network", COLLABORATION)

ACCREDITATIONS = Group(
    "accreditations",
    SDO.hasCredential,
    "Accreditations",
    many=True,
    rdf_class=SDO.EducationalOccupationalCredential,
    parts=(
        Text("standard", SDO.name, "Standard", required=True),
        Agent("body", SDO.recognizedBy, "Accreditation body"),
        Date("since", SDO.validFrom, "Since"),
        Date("until", SDO.expires, "Until"),
    ),
    hint="The standard, such as ISO/IEC 17025, and the body that granted it.",
)

LABORATORY = RecordType(
    "laboratory",
    ORG.FormalOrganization,
    "Laboratory",
    (
        *ORGANISATION,
        Group(
            "methods",
            SDO.measurementTechnique,
            "Methods",
            many=True,
            rdf_class=CHM.Method,
            parts=(
                LocalisedText("name", SDO.name, "Method", required=True),
                LocalisedText("matrices", CHM.matrix, "Matrices", many=True),
                LocalisedText("parameters", SDO.variableMeasured, "Parameters", many=True),
                Text("standard", CHM.standard, "Standard"),
                YesNo("accredited", CHM.accredited, "Accredited"),
            ),
            hint="What is measured, in which matrix (such as serum, soil or oil), and by which standard.",
        ),
        ACCREDITATIONS,
        LocalisedText("proficiency_tests", CHM.proficiencyTest, "Proficiency tests", many=True),
    ),
)

TYPES = (AUTHORITY, ORGANIZATION, COMMITTEE, NETWORK, LABORATORY)
