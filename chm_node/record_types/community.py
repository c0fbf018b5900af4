"""Talking and agreeing on words: discussions, consultations, glossary terms."""

from chm_node.namespaces import CHM, DCTERMS, SDO, SIOC, SKOS
from chm_node.schema import Agent, Choice, Date, Link, LocalisedText, RecordReference, RecordType, header

DISCUSSION = RecordType(
    "discussion",
    SIOC.Thread,
    "Discussion topic",
    (
        Date("date", DCTERMS.date, "Opened on"),
        Choice("state", CHM.state, "State", choices=("open", "closed")),
        Agent("moderators", SIOC.has_moderator, "Moderators", many=True),
        Link("place", SDO.discussionUrl, "Where it takes place"),
    ),
)

CONSULTATION = RecordType(
    "consultation",
    SDO.Event,
    "Public consultation",
    (
        Date("starts", SDO.startDate, "First day"),
        Date("ends", SDO.endDate, "Last day"),
        Agent("organisers", SDO.organizer, "Organisers", many=True),
        LocalisedText("how_to_take_part", CHM.howToApply, "How to take part"),
        Link("online", SDO.url, "Address to take part online"),
        RecordReference("documents", SDO.workFeatured, "Documents", many=True, types=("document", "measure")),
        LocalisedText("outcome", SDO.result, "Outcome"),
    ),
    more_classes=(SIOC.Forum,),
)

TERM = RecordType(
    "term",
    SKOS.Concept,
    "Glossary term",
    (
        header("title", label="Term"),
        LocalisedText("definition", SKOS.definition, "Definition"),
        LocalisedText("other_names", SKOS.altLabel, "Other names", many=True),
        LocalisedText("note", SKOS.scopeNote, "Note on its use"),
        Link("broader", SKOS.broader, "Wider terms", many=True),
        Link("same_as", SKOS.exactMatch, "The same term elsewhere", many=True),
        LocalisedText("source", DCTERMS.source, "Source"),
    ),
)

TYPES = (DISCUSSION, CONSULTATION, TERM)
