"""How a kind of record is declared, and everything derived from the declaration.

kinds, groups    the kinds of field; with them dates_and_numbers, references
contacts         the kinds for e-mail, telephone and postal address
header           the fields all record types share
record_type      the declaration; check and RDF both ways
derived          JSON Schema, SHACL, form description
"""

from chm_node.schema.contacts import CONTACT_DETAILS, Address, Email, Telephone
from chm_node.schema.dates_and_numbers import Date, Number
from chm_node.schema.field import Field
from chm_node.schema.groups import Agent, DateRange, FileReference, Group, Money, Place, Quantity
from chm_node.schema.header import PLACE_SCHEMES, SUBJECT_SCHEMES, header
from chm_node.schema.kinds import Choice, LocalisedText, MediaType, Text, YesNo
from chm_node.schema.record_type import RecordType, index_triples
from chm_node.schema.references import Language, Link, RecordReference, Term

__all__ = [
    "CONTACT_DETAILS",
    "PLACE_SCHEMES",
    "SUBJECT_SCHEMES",
    "Address",
    "Agent",
    "Choice",
    "Date",
    "DateRange",
    "Email",
    "Field",
    "FileReference",
    "Group",
    "Language",
    "Link",
    "LocalisedText",
    "MediaType",
    "Money",
    "Number",
    "Place",
    "Quantity",
    "RecordReference",
    "RecordType",
    "Telephone",
    "Term",
    "Text",
    "YesNo",
    "header",
    "index_triples",
]
