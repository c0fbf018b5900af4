"""Projects, initiatives and where their money comes from."""

from chm_node.namespaces import CHM, FOAF, RDFS, SDO
from chm_node.schema import (
    Agent,
    Choice,
    Date,
    Field,
    Group,
    Link,
    LocalisedText,
    Money,
    Number,
    Place,
    RecordReference,
    RecordType,
    Text,
)

FUNDING = Group(
    "funding",
    SDO.funding,
    "Funding",
    many=True,
    rdf_class=SDO.Grant,
    parts=(
        Agent("donor", SDO.funder, "Donor"),
        Money("amount", SDO.amount, "Amount"),
        Choice("kind", SDO.category, "Kind", choices=("core", "co-financing", "in kind")),
        RecordReference("source", SDO.isPartOf, "Funding source", types=("funding",)),
        LocalisedText("note", RDFS.comment, "Explanation"),
    ),
    hint="Each donor with the amount given.",
)

PROJECT_FIELDS: tuple[Field, ...] = (
    Date("starts", SDO.startDate, "Starts"),
    Date("ends", SDO.endDate, "Ends"),
    Text("duration", SDO.duration, "Duration", hint="As ISO 8601, such as P3Y for three years."),
    Choice(
        "project_status",
        CHM.state,
        "State of the project",
        choices=("proposed", "approved", "under way", "completed", "suspended", "cancelled"),
    ),
    Choice("scope", CHM.scope, "Geographic scope", choices=("local", "national", "subregional", "regional", "global")),
    Agent("lead", CHM.lead, "Lead organisation"),
    Agent("implementing", CHM.implementingAgency, "Implementing agencies", many=True),
    Agent("executing", CHM.executingAgency, "Executing agencies", many=True),
    Agent("partners", SDO.participant, "Partners", many=True),
    Money("budget", SDO.estimatedCost, "Total budget"),
    FUNDING,
    LocalisedText("categories", SDO.category, "Categories", many=True),
    LocalisedText("target_groups", SDO.audience, "Target groups", many=True),
    Group(
        "objectives",
        CHM.objective,
        "Objectives with figures",
        many=True,
        rdf_class=CHM.Objective,
        parts=(
            LocalisedText("objective", SDO.name, "Objective", required=True),
            Number("planned", CHM.planned, "Planned"),
            Number("achieved", CHM.achieved, "Achieved"),
        ),
    ),
    LocalisedText("achievements", SDO.result, "Achievements"),
    LocalisedText("outputs", CHM.output, "Outputs", many=True),
    LocalisedText("lessons", CHM.lesson, "Lessons learnt"),
    Place("sites", SDO.location, "Sites", many=True),
    Number("beneficiaries", CHM.beneficiaryCount, "Number of beneficiaries"),
    RecordReference("broader", CHM.broaderProject, "Larger project", many=True, types=("project", "initiative")),
    Link("project_pages", SDO.url, "Web pages of the project", many=True),
)

PROJECT = RecordType("project", FOAF.Project, "Project", PROJECT_FIELDS)

INITIATIVE = RecordType("initiative", SDO.Project, "Initiative", PROJECT_FIELDS)

CAPACITY_INITIATIVE = RecordType(
    "capacity-initiative",
    SDO.Project,
    "Capacity development initiative",
    (*PROJECT_FIELDS, LocalisedText("capacities", SDO.teaches, "Capacities to be built", many=True)),
)

FUNDING_SOURCE = RecordType(
    "funding",
    SDO.MonetaryGrant,
    "Funding source",
    (
        Agent("funder", SDO.funder, "Donor"),
        Money("amount", SDO.amount, "Amount"),
        Date("starts", SDO.startDate, "Open from"),
        Date("ends", SDO.endDate, "Open until"),
        LocalisedText("eligibility", CHM.eligibility, "Who may apply"),
        LocalisedText("how_to_apply", CHM.howToApply, "How to apply"),
        LocalisedText("conditions", CHM.condition, "Conditions"),
    ),
)

TYPES = (PROJECT, INITIATIVE, CAPACITY_INITIATIVE, FUNDING_SOURCE)
