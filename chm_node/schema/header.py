"""The fields every record type shares: Dublin Core and DCAT for what all records have in common."""

from dataclasses import replace
from typing import Any

from chm_node.namespaces import ADMS, CHM, DCAT, DCTERMS, FOAF, PROV, SDO
from chm_node.schema.dates_and_numbers import Date
from chm_node.schema.field import Field
from chm_node.schema.groups import Agent, DateRange, FileReference, Group
from chm_node.schema.kinds import Choice, LocalisedText, Text
from chm_node.schema.references import Language, Link, RecordReference, Term

SUBJECT_SCHEMES = (
    "gbf-targets",
    "gbf-goals",
    "cbd-subjects",
    "sdgs",
    "aichi-targets",
    "stockholm-pops",
    "stockholm-articles",
    "minamata-articles",
    "minamata-annex-items",
    "basel-topics",
    "basel-y",
    "rotterdam-annex-iii",
    "topics",
)
PLACE_SCHEMES = ("countries", "un-regions", "cbd-regions")

HEADER: tuple[Field, ...] = (
    LocalisedText("title", DCTERMS.title, "Title", required=True),
    LocalisedText("summary", DCTERMS.description, "Summary"),
    LocalisedText("text", SDO.text, "Text"),
    Language("languages", DCTERMS.language, "Languages", many=True, facet="language"),
    Language("original_language", SDO.inLanguage, "Original language"),
    Group(
        "translations",
        CHM.translation,
        "Translations",
        many=True,
        rdf_class=CHM.Translation,
        parts=(
            Language("language", DCTERMS.language, "Language", required=True),
            Choice(
                "quality",
                CHM.translationQuality,
                "Quality",
                required=True,
                choices=("official", "human", "machine"),
            ),
        ),
    ),
    Text("number", DCTERMS.identifier, "Number or symbol", many=True),
    Term("government", CHM.government, "Country that publishes", facet="country", schemes=("countries",)),
    Term(
        "coverage",
        DCTERMS.spatial,
        "Countries and regions it is about",
        many=True,
        facet="country",
        schemes=PLACE_SCHEMES,
    ),
    DateRange("period", DCTERMS.temporal, "Period it is about"),
    Term("treaties", CHM.treaty, "Treaties", many=True, facet="treaty", schemes=("treaties",)),
    Term("subjects", DCTERMS.subject, "Subjects", many=True, facet="subject", schemes=SUBJECT_SCHEMES),
    LocalisedText("keywords", DCAT.keyword, "Keywords", many=True),
    Agent("creators", DCTERMS.creator, "Authors", many=True),
    Agent("publishers", DCTERMS.publisher, "Publishers", many=True),
    Agent("contacts", DCAT.contactPoint, "Contacts", many=True),
    FileReference("files", DCAT.distribution, "Files", many=True),
    Link("links", FOAF.page, "Links", many=True),
    Link("licence", DCTERMS.license, "Licence"),
    Choice("access", DCTERMS.accessRights, "Access", choices=("public", "registered", "private")),
    LocalisedText("rights", DCTERMS.rights, "Rights"),
    Term("status", ADMS.status, "Status", schemes=("record-statuses",)),
    Date("created", DCTERMS.created, "Written on"),
    LocalisedText("change_note", ADMS.versionNotes, "What changed"),
    Date("valid_until", DCTERMS.valid, "Valid until"),
    Date("confirm_by", CHM.confirmBy, "To be confirmed by"),
    RecordReference("related", DCTERMS.relation, "Related records", many=True),
    RecordReference("references", DCTERMS.references, "Refers to", many=True),
    RecordReference("part_of", DCTERMS.isPartOf, "Part of", many=True),
    RecordReference("has_parts", DCTERMS.hasPart, "Has parts", many=True),
    RecordReference("replaces", DCTERMS.replaces, "Replaces", many=True),
    RecordReference("replaced_by", DCTERMS.isReplacedBy, "Replaced by", many=True),
    RecordReference("requires", DCTERMS.requires, "Requires", many=True),
    RecordReference("derived_from", PROV.wasDerivedFrom, "Results from", many=True),
    Group(
        "statements",
        CHM.statement,
        "Statements that contradict each other",
        many=True,
        rdf_class=CHM.Statement,
        hint="Where sources disagree, each statement is kept with its source.",
        parts=(
            LocalisedText("statement", DCTERMS.description, "Statement", required=True),
            LocalisedText("source", DCTERMS.source, "Source", required=True),
        ),
    ),
)

_BY_NAME = {field.name: field for field in HEADER}


def header(name: str, **changes: Any) -> Field:  # Any: the attributes of a field, whatever its kind
    """The header field of this name with some of its attributes changed, for a type that asks more of it."""
    return replace(_BY_NAME[name], **changes)
