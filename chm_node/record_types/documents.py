"""Documents and learning material."""

from chm_node.namespaces import CHM, DCAT, DCTERMS, FOAF, SDO
from chm_node.schema import (
    Agent,
    Choice,
    Date,
    Field,
    Group,
    Language,
    Link,
    LocalisedText,
    Number,
    Place,
    RecordReference,
    RecordType,
    Term,
    Text,
)

DOCUMENT_FIELDS: tuple[Field, ...] = (
    Term("kinds", SDO.additionalType, "Kind of document", many=True, schemes=("document-types",)),
    Date("date", DCTERMS.date, "Published on"),
    Agent("contributors", DCTERMS.contributor, "Contributing organisations", many=True),
    LocalisedText("source", DCTERMS.source, "Source", hint="Where the text was first published."),
    LocalisedText("citation", DCTERMS.bibliographicCitation, "How to cite it"),
    Text("isbn", SDO.isbn, "ISBN"),
    Link("doi", SDO.sameAs, "DOI", hint="As an address, such as https://doi.org/10.1000/182."),
    Number("pages", SDO.numberOfPages, "Number of pages"),
    Link("cover", SDO.thumbnailUrl, "Picture of the cover"),
)

DOCUMENT = RecordType("document", FOAF.Document, "Document", DOCUMENT_FIELDS)

RESOURCE = RecordType(
    "resource",
    DCAT.Resource,
    "Virtual library resource",
    (*DOCUMENT_FIELDS, Link("loan", CHM.loan, "Where to borrow it")),
)

LEARNING_RESOURCE = RecordType(
    "learning-resource",
    SDO.LearningResource,
    "Learning resource",
    (
        *DOCUMENT_FIELDS,
        LocalisedText("audience", DCTERMS.audience, "Who it is for", many=True),
        LocalisedText("teaches", SDO.teaches, "What it teaches", many=True),
        Choice("level", SDO.educationalLevel, "Level", choices=("beginner", "intermediate", "advanced")),
        Text("duration", SDO.timeRequired, "Time needed", hint="As ISO 8601, such as PT4H for four hours."),
        Link("platform", SDO.url, "Learning platform"),
        LocalisedText("certificate", SDO.educationalCredentialAwarded, "Certificate"),
    ),
)

EXPERIENCE: tuple[Field, ...] = (
    *DOCUMENT_FIELDS,
    Place("place", SDO.contentLocation, "Place"),
    LocalisedText("problem", CHM.problem, "Problem"),
    LocalisedText("approach", CHM.approach, "What was done"),
    LocalisedText("results", SDO.result, "Results"),
    LocalisedText("lessons", CHM.lesson, "Lessons learnt"),
)

CASE_STUDY = RecordType("case-study", SDO.ScholarlyArticle, "Case study", EXPERIENCE)

GOOD_PRACTICE = RecordType(
    "good-practice",
    SDO.HowTo,
    "Good practice or solution",
    (*EXPERIENCE, LocalisedText("conditions", CHM.condition, "Conditions for doing the same elsewhere")),
)

TOOLKIT = RecordType(
    "toolkit",
    SDO.CreativeWork,
    "Toolkit",
    (
        *DOCUMENT_FIELDS,
        Group(
            "steps",
            SDO.step,
            "Steps",
            many=True,
            rdf_class=SDO.HowToStep,
            parts=(
                LocalisedText("name", SDO.name, "Step", required=True),
                LocalisedText("text", SDO.text, "What to do"),
                Link("file", SDO.url, "File"),
                Language("language", SDO.inLanguage, "Language"),
            ),
        ),
    ),
)

SUBMISSION = RecordType(
    "submission",
    FOAF.Document,
    "Submission",
    (
        *DOCUMENT_FIELDS,
        Date("submitted_on", DCTERMS.dateSubmitted, "Submitted on"),
        RecordReference(
            "answers_to", CHM.answersTo, "In answer to", many=True, types=("notification", "decision", "consultation")
        ),
    ),
)

TYPES = (DOCUMENT, RESOURCE, LEARNING_RESOURCE, CASE_STUDY, GOOD_PRACTICE, TOOLKIT, SUBMISSION)
