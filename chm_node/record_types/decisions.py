"""Treaties, decisions, laws, and what has to be done because of them."""

from chm_node.namespaces import CHM, DCTERMS, ELI, RDFS, SDO
from chm_node.schema import (
    Agent,
    Choice,
    Date,
    DateRange,
    Field,
    Group,
    Link,
    LocalisedText,
    Number,
    RecordReference,
    RecordType,
    Term,
    header,
)

DEADLINE = Group(
    "deadline",
    CHM.deadline,
    "Deadline",
    rdf_class=CHM.Deadline,
    parts=(
        Date("date", DCTERMS.date, "Day"),
        RecordReference("event", DCTERMS.relation, "Meeting or event", types=("meeting", "event")),
        LocalisedText("event_name", SDO.name, "Meeting or event in words", hint="Such as COP-7 or the next meeting."),
        DateRange("period", DCTERMS.temporal, "Period"),
    ),
    hint="A day, a meeting (which may have no date yet) or a period such as a biennium.",
)
FOLLOW_UP = Term(
    "follow_up", SDO.actionStatus, "State of the follow-up", facet="status", schemes=("follow-up-statuses",)
)
CITES: tuple[Field, ...] = (
    RecordReference("recalls", ELI.based_on, "Recalls", many=True, types=("decision",)),
    RecordReference("cites", ELI.cites, "Cites", many=True, types=("decision", "document")),
)

TREATY = RecordType(
    "treaty",
    ELI.LegalResource,
    "Treaty or agreement",
    (
        Date("date", DCTERMS.date, "Adopted on"),
        Agent("depositary", CHM.depositary, "Depositary"),
        Date("in_force_since", ELI.first_date_entry_in_force, "In force since"),
        Group(
            "endorsements",
            CHM.endorsement,
            "Signatures and ratifications",
            many=True,
            rdf_class=SDO.Role,
            parts=(
                Term("country", DCTERMS.spatial, "Country", required=True, schemes=("countries",)),
                Date("signed_on", CHM.signedOn, "Signed on"),
                Date("bound_on", CHM.boundOn, "Ratified, accepted, approved or acceded to on"),
                Choice(
                    "act",
                    SDO.roleName,
                    "By",
                    choices=("ratification", "acceptance", "approval", "accession", "succession"),
                ),
                Date("in_force_since", SDO.startDate, "In force for the country since"),
                LocalisedText("declarations", CHM.declaration, "Declarations"),
                LocalisedText("reservations", CHM.reservation, "Reservations"),
            ),
            hint="One entry for each country.",
        ),
    ),
)

DECISION = RecordType(
    "decision",
    ELI.LegalResource,
    "Decision",
    (
        header("number", required=True, hint="Such as MC-6/20."),
        header("treaties", required=True, hint="The treaty under which the decision was taken."),
        LocalisedText("long_title", ELI.title, "Full title"),
        Agent("body", ELI.passed_by, "Body that decided"),
        RecordReference("meeting", CHM.meeting, "Meeting", types=("meeting",)),
        Choice("kind", ELI.type_document, "Kind", choices=("decision", "recommendation", "resolution")),
        Term("decision_status", CHM.decisionStatus, "State of the decision", schemes=("decision-statuses",)),
        Date("date", DCTERMS.date, "Taken on"),
        Number("position", SDO.position, "Place in the list"),
        *CITES,
    ),
)

PARAGRAPH = RecordType(
    "decision-paragraph",
    ELI.LegalResourceSubdivision,
    "Decision paragraph",
    (
        header("number", required=True, hint="As in the text, such as 4(c)."),
        RecordReference("decision", ELI.is_part_of, "Decision", types=("decision",)),
        header("text", label="Text of the paragraph"),
        LocalisedText("part", CHM.part, "Part", hint="Such as annex I, section B."),
        Choice("place", CHM.placeInText, "Place in the text", choices=("preamble", "operative part", "annex")),
        Term("kind", CHM.elementType, "Kind", schemes=("decision-element-types",)),
        Term("verbs", CHM.verb, "What it does", many=True, schemes=("decision-verbs",)),
        Term("actors", CHM.actor, "Addressed to", many=True, schemes=("decision-actors",)),
        Term("decision_status", CHM.decisionStatus, "State of the paragraph", schemes=("decision-statuses",)),
        LocalisedText("action", SDO.object, "Action asked for"),
        LocalisedText("condition", CHM.condition, "Condition", hint="Such as subject to available resources."),
        DEADLINE,
        *CITES,
        RecordReference("meetings", CHM.meeting, "Meetings", many=True, types=("meeting",)),
        RecordReference("notifications", CHM.notification, "Notifications", many=True, types=("notification",)),
        LocalisedText("outcomes", SDO.result, "Outcomes"),
        Group(
            "answers",
            CHM.nationalAnswer,
            "National answers",
            many=True,
            rdf_class=SDO.Answer,
            parts=(
                Term("country", DCTERMS.spatial, "Country", required=True, schemes=("countries",)),
                LocalisedText("answer", SDO.text, "What the country does about it"),
                Term("follow_up", SDO.actionStatus, "State of the follow-up", schemes=("follow-up-statuses",)),
                Agent("responsible", SDO.agent, "Responsible"),
                Date("date", DCTERMS.date, "Answered on"),
                RecordReference("action", DCTERMS.relation, "Action to follow up", types=("commitment", "project")),
            ),
            hint="What each country does about the paragraph, and who is responsible.",
        ),
    ),
)

ACTION: tuple[Field, ...] = (
    header("derived_from", label="Where it comes from", hint="A decision paragraph, workshop, review or report."),
    Agent("responsible", SDO.agent, "Responsible", many=True),
    Date("date", DCTERMS.date, "Made on"),
    DEADLINE,
    FOLLOW_UP,
    Number("progress", CHM.progressPercent, "Progress in per cent"),
    Link("evidence", CHM.evidence, "Evidence", many=True),
    LocalisedText("progress_note", RDFS.comment, "Note on progress"),
    Date("reminder", CHM.reminder, "Remind on"),
)

COMMITMENT = RecordType(
    "commitment",
    SDO.Action,
    "Commitment or action to follow up",
    (
        *ACTION,
        Date("starts", SDO.startDate, "Starts"),
        Date("ends", SDO.endDate, "Ends"),
        LocalisedText("condition", CHM.condition, "Condition", hint="Such as subject to available resources."),
    ),
)

RECOMMENDATION = RecordType("recommendation", SDO.Recommendation, "Workshop recommendation", ACTION)

MEASURE = RecordType(
    "measure",
    ELI.LegalResource,
    "Legislative, administrative or policy measure",
    (
        header("government", required=True, hint="The country whose measure it is."),
        LocalisedText("kind", ELI.type_document, "Kind of measure", hint="Such as law, decree, order or policy."),
        Term("jurisdiction", ELI.jurisdiction, "Jurisdiction", schemes=("jurisdictions",)),
        Date("adopted_on", ELI.date_document, "Adopted on"),
        Date("in_force_since", ELI.first_date_entry_in_force, "In force since"),
        Date("no_longer_since", ELI.date_no_longer_in_force, "No longer in force since"),
        Choice("in_force", ELI.in_force, "In force", choices=("in force", "partly in force", "not in force")),
        Agent("authorities", ELI.responsibility_of, "Authorities", many=True),
        LocalisedText("official_journal", ELI.published_in, "Official journal"),
        RecordReference("amends", ELI.amends, "Amends", many=True, types=("measure",)),
        RecordReference("linked_measures", ELI.related_to, "Linked measures", many=True, types=("measure",)),
        RecordReference("creates", CHM.creates, "Creates", many=True, types=("organization", "authority")),
    ),
)

TYPES = (TREATY, DECISION, PARAGRAPH, COMMITMENT, RECOMMENDATION, MEASURE)
