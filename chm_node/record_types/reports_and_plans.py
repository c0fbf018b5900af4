"""What a country reports and plans: reports, strategies, plans, targets, assessments."""

from chm_node.namespaces import CHM, DCAT, DCTERMS, ELI, FOAF, PROV, QB, RDFS, SDO, SKOS
from chm_node.schema import (
    Agent,
    Choice,
    Date,
    Field,
    Group,
    Link,
    LocalisedText,
    Number,
    RecordReference,
    RecordType,
    Term,
    Text,
    YesNo,
    header,
)

TARGET_SCHEMES = ("gbf-targets", "gbf-goals", "aichi-targets", "aichi-goals", "sdgs")
INDICATORS = Term("indicators", CHM.indicator, "Global indicators", many=True, schemes=("gbf-indicators",))

NATIONAL_REPORT = RecordType(
    "national-report",
    FOAF.Document,
    "National report",
    (
        Text("edition", CHM.edition, "Edition", hint="Such as NR7, or the year or cycle of the report."),
        header("period", label="Period reported on"),
        Date("date", DCTERMS.date, "Published on"),
        Date("submitted_on", DCTERMS.dateSubmitted, "Submitted on"),
        Choice("report_status", CHM.state, "State of the report", choices=("in preparation", "final", "submitted")),
        Agent("contributors", DCTERMS.contributor, "Contributing ministries and organisations", many=True),
        Group(
            "answers",
            CHM.answer,
            "Answers",
            many=True,
            rdf_class=QB.Observation,
            parts=(
                Text("question", DCTERMS.identifier, "Number of the question", required=True),
                LocalisedText("wording", SDO.name, "Question"),
                LocalisedText("answer", SDO.text, "Answer"),
                LocalisedText("comment", RDFS.comment, "Comment"),
            ),
            hint="One answer for each question of the report's form.",
        ),
    ),
    more_classes=(DCAT.Dataset,),
)

PLAN: tuple[Field, ...] = (
    Date("starts", SDO.startDate, "Starts"),
    Date("ends", SDO.endDate, "Ends"),
    Date("adopted_on", ELI.date_document, "Adopted on"),
    Agent("approved_by", CHM.approvedBy, "Approved by"),
    Choice("plan_status", CHM.state, "State of the plan", choices=("draft", "validated", "adopted", "expired")),
    RecordReference("validated_at", CHM.validatedAt, "Validated at", types=("event", "meeting")),
)

NATIONAL_STRATEGY = RecordType(
    "national-strategy",
    FOAF.Document,
    "National strategy and action plan (NBSAP)",
    (
        header("government", required=True, hint="The country whose strategy it is."),
        *PLAN,
        Term("jurisdiction", ELI.jurisdiction, "Jurisdiction", schemes=("jurisdictions",)),
        YesNo("gbf_aligned", CHM.gbfAligned, "In line with the Kunming-Montreal framework"),
        Date("completed_on", CHM.completedOn, "Completed on"),
    ),
    more_classes=(ELI.LegalResource,),
)

IMPLEMENTATION_PLAN = RecordType(
    "implementation-plan",
    FOAF.Document,
    "National implementation plan (NIP)",
    (
        header("treaties", required=True, hint="The treaty that the plan implements."),
        *PLAN,
        Text("edition", CHM.edition, "Version of the plan"),
        LocalisedText(
            "amendments", DCTERMS.conformsTo, "Amendments covered", many=True, hint="Such as COP-4, COP-5 and COP-6."
        ),
        Date("sent_on", DCTERMS.dateSubmitted, "Sent to the Secretariat on"),
        Term(
            "chemicals",
            CHM.chemical,
            "Chemicals covered",
            many=True,
            schemes=("stockholm-pops", "topics"),
        ),
    ),
)

ALIGNMENT = Group(
    "alignments",
    PROV.qualifiedInfluence,
    "Global targets it contributes to",
    many=True,
    rdf_class=PROV.Influence,
    parts=(
        Term("target", PROV.influencer, "Global target or goal", required=True, schemes=TARGET_SCHEMES),
        Choice("degree", CHM.degreeOfAlignment, "Degree", choices=("high", "medium", "low")),
        LocalisedText("note", RDFS.comment, "Explanation"),
    ),
    hint="Each global target with how closely the national target follows it.",
)

NATIONAL_TARGET = RecordType(
    "national-target",
    SKOS.Concept,
    "National target",
    (
        header("government", required=True, hint="The country whose target it is."),
        Number("position", SDO.position, "Place in the list"),
        ALIGNMENT,
        Date("starts", SDO.startDate, "Starts"),
        Date("ends", SDO.endDate, "Ends"),
        LocalisedText("considerations", CHM.consideration, "What implementation has to consider"),
        LocalisedText("measures", CHM.measure, "Main policy measures"),
        INDICATORS,
        LocalisedText("other_indicators", CHM.otherIndicator, "National and other indicators", many=True),
        LocalisedText("non_state_actors", CHM.nonStateActors, "Contributions of others than the State"),
        LocalisedText("means", CHM.means, "Further means needed"),
    ),
)

TARGET_MAPPING = RecordType(
    "target-mapping",
    PROV.Influence,
    "National to global target mapping",
    (
        Term("target", PROV.influencer, "Global target or goal", required=True, schemes=TARGET_SCHEMES),
        RecordReference("national_target", CHM.nationalTarget, "National target", types=("national-target",)),
        Choice("degree", CHM.degreeOfAlignment, "Degree", choices=("high", "medium", "low")),
        INDICATORS,
        Date("baseline_date", CHM.baselineDate, "Date of the baseline"),
        Number("baseline", CHM.baseline, "Value of the baseline"),
    ),
)

ASSESSMENT = RecordType(
    "assessment",
    QB.Observation,
    "Progress assessment",
    (
        Term("target", CHM.target, "Global target or goal", schemes=TARGET_SCHEMES),
        RecordReference("national_target", CHM.nationalTarget, "National target", types=("national-target",)),
        Date("date", DCTERMS.date, "Assessed on"),
        Choice(
            "progress",
            SDO.ratingValue,
            "Progress",
            required=True,
            choices=(
                "on track to exceed the target",
                "on track to achieve the target",
                "progress, but too slow",
                "no significant change",
                "moving away from the target",
            ),
        ),
        Link("evidence", CHM.evidence, "Evidence", many=True),
        Agent("assessor", CHM.assessor, "Assessed by"),
    ),
)

CAPACITY_ASSESSMENT = RecordType(
    "capacity-assessment",
    QB.Observation,
    "CHM capacity assessment",
    (
        header("government", required=True, hint="The country whose clearing-house is assessed."),
        Term("level", SDO.ratingValue, "Level", required=True, schemes=("capacity-levels",), hint="From 0 to 5."),
        Date("date", DCTERMS.date, "Assessed on"),
        Agent("assessor", CHM.assessor, "Assessed by"),
        Group(
            "evidence",
            CHM.evidence,
            "Evidence",
            many=True,
            rdf_class=CHM.Evidence,
            parts=(
                LocalisedText("criterion", SDO.name, "Criterion", required=True),
                YesNo("met", CHM.met, "Met"),
                LocalisedText("note", RDFS.comment, "Explanation"),
                Link("link", SDO.url, "Where it can be seen"),
            ),
            hint="What shows that a criterion of the level is met.",
        ),
        LocalisedText("next_action", CHM.nextAction, "Next action"),
    ),
)

TYPES = (
    NATIONAL_REPORT,
    NATIONAL_STRATEGY,
    IMPLEMENTATION_PLAN,
    NATIONAL_TARGET,
    TARGET_MAPPING,
    ASSESSMENT,
    CAPACITY_ASSESSMENT,
)
