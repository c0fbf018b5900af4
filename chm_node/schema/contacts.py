"""Kinds for reaching people: e-mail address, telephone number, postal address (vCard in RDF)."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import pyoxigraph as ox

from chm_node.namespaces import VCARD
from chm_node.schema.field import Field, Node
from chm_node.schema.groups import Group
from chm_node.schema.kinds import LocalisedText, Text
from chm_node.schema.references import Term
from chm_node.text import clean_text, valid_iri


@dataclass(frozen=True)
class Email(Field):
    """An e-mail address; a ``mailto:`` IRI in RDF."""

    control: ClassVar[str] = "email"
    scheme: ClassVar[str] = "mailto:"
    pattern: ClassVar[str] = r"^[\w.+'-]+@[\w-]+(\.[\w-]+)+$"
    wanted: ClassVar[str] = "write an e-mail address, such as name@example.org"

    def problem(self, value: Any) -> str:
        fine = isinstance(value, str) and re.search(self.pattern, value) and valid_iri(self.scheme + value)
        return "" if fine else self.wanted

    def to_node(self, value: Any) -> Node:
        return ox.NamedNode(self.scheme + value)

    def from_node(self, node: Any) -> Any:
        value = node.value.removeprefix(self.scheme) if isinstance(node, ox.NamedNode | ox.Literal) else ""
        if self.problem(self.clean_one(value)):
            raise ValueError(self.wanted)
        return value

    def json_schema_one(self) -> dict[str, Any]:
        return {"type": "string", "pattern": self.pattern}

    def constraints(self) -> list[tuple[str, Any]]:
        return [("nodeKind", "IRI")]


@dataclass(frozen=True)
class Telephone(Email):
    """A telephone or fax number; a ``tel:`` IRI in RDF, where blanks are not allowed."""

    control: ClassVar[str] = "tel"
    scheme: ClassVar[str] = "tel:"
    pattern: ClassVar[str] = r"^\+?[0-9().-]{3,40}$"
    wanted: ClassVar[str] = "write the number with its country code, such as +216 71 123 456"

    def clean_one(self, value: Any) -> Any:
        return re.sub(r"[\s/-]+", "-", clean_text(value)) if isinstance(value, str) else value


@dataclass(frozen=True)
class Address(Group):
    """A postal address."""

    parts: tuple[Field, ...] = (
        LocalisedText("street", VCARD["street-address"], "Street"),
        LocalisedText("city", VCARD.locality, "Town"),
        Text("postal_code", VCARD["postal-code"], "Postal code"),
        Term("country", VCARD["country-name"], "Country", schemes=("countries",)),
    )
    rdf_class: str = VCARD.Address
    control: ClassVar[str] = "address"


#: How to reach a person or an organisation.
CONTACT_DETAILS: tuple[Field, ...] = (
    Email("emails", VCARD.hasEmail, "E-mail", many=True),
    Telephone("phones", VCARD.hasTelephone, "Telephone", many=True),
    Address("address", VCARD.hasAddress, "Postal address"),
)
