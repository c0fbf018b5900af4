"""Chemicals, stocks of them, techniques and permits."""

from chm_node.namespaces import CHM, DCTERMS, QB, RDFS, SDO, SKOS
from chm_node.record_types.people import NAME_TO_SHOW
from chm_node.schema import (
    Agent,
    Choice,
    Date,
    Group,
    LocalisedText,
    Number,
    Place,
    Quantity,
    RecordReference,
    RecordType,
    Term,
    Text,
    YesNo,
    header,
)

CHEMICAL_SCHEMES = ("stockholm-pops", "rotterdam-annex-iii", "basel-y", "topics")
ANNEX_SCHEMES = ("stockholm-annexes", "basel-annexes", "minamata-annexes", "rotterdam-categories")

CHEMICAL = RecordType(
    "chemical",
    SKOS.Concept,
    "Chemical substance",
    (
        NAME_TO_SHOW,
        LocalisedText("other_names", SKOS.altLabel, "Other names", many=True),
        Text("cas_numbers", CHM.casNumber, "CAS numbers", many=True, hint="Such as 1336-36-3; several for a group."),
        Text("ec_number", CHM.ecNumber, "EC number"),
        Text("formula", CHM.formula, "Formula"),
        Term("term", SKOS.exactMatch, "Listed as", many=True, schemes=CHEMICAL_SCHEMES),
        Group(
            "listings",
            CHM.listing,
            "Listings",
            many=True,
            rdf_class=CHM.Listing,
            parts=(
                Term("treaty", CHM.treaty, "Treaty", required=True, schemes=("treaties",)),
                Term("annex", DCTERMS.isPartOf, "Annex", schemes=ANNEX_SCHEMES),
                Date("date", DCTERMS.date, "Listed on"),
                LocalisedText("exemptions", CHM.exemption, "Exemptions and acceptable purposes"),
                RecordReference("decision", CHM.legalBasis, "Decision behind it", types=("decision",)),
            ),
            hint="In which annex of which treaty, since when and with which exemptions.",
        ),
    ),
)

STOCKPILE = RecordType(
    "stockpile",
    QB.Observation,
    "Chemical stockpile or inventory entry",
    (
        Term("chemical", CHM.chemical, "Chemical", required=True, facet="subject", schemes=CHEMICAL_SCHEMES),
        Quantity("quantity", CHM.quantity, "Quantity", required=True, hint="The number with its unit, such as 300 t."),
        LocalisedText("holders", CHM.holderKind, "Kinds of holder", many=True, hint="Such as companies or hospitals."),
        Number("holder_count", CHM.holderCount, "Number of holders"),
        Place("place", SDO.location, "Place"),
        LocalisedText("phase", CHM.phase, "Phase"),
        Choice("state", CHM.state, "State", choices=("in use", "stored", "exported", "destroyed")),
        Date("date", DCTERMS.date, "Counted on"),
        Date("due", SDO.endDate, "To be disposed of by"),
        LocalisedText("method", SDO.measurementTechnique, "How it was counted"),
        LocalisedText("disposal", CHM.disposal, "How it is disposed of"),
        Term("waste_codes", CHM.wasteCode, "Basel codes", many=True, schemes=("basel-y", "basel-h", "basel-dr")),
        RecordReference("source", DCTERMS.source, "Source", many=True, types=("document", "project", "dataset")),
    ),
)

TECHNOLOGY = RecordType(
    "technology",
    SDO.Product,
    "Technology (watch, verification)",
    (
        Date("date", DCTERMS.date, "Seen or verified on"),
        LocalisedText("problem", CHM.problem, "Problem it solves"),
        Choice("maturity", CHM.maturity, "Maturity", choices=("research", "pilot", "demonstrated", "on the market")),
        LocalisedText("performance", CHM.performance, "Performance"),
        Choice("cost_class", CHM.costClass, "Cost", choices=("low", "medium", "high")),
        Number("suitability", CHM.suitability, "Suitability here, from 0 to 100"),
        LocalisedText("suitability_note", RDFS.comment, "Explanation"),
        Agent("supplier", SDO.manufacturer, "Supplier"),
        Agent("verified_by", CHM.verifiedBy, "Verified by"),
        Place("sites", SDO.location, "Where it is in use", many=True),
    ),
)

CERTIFICATE = RecordType(
    "certificate",
    SDO.Permit,
    "Permit or certificate (IRCC)",
    (
        header("government", required=True, hint="The country whose authority issued it."),
        Agent("authority", SDO.issuedBy, "Issued by"),
        Date("date", SDO.validFrom, "Issued on"),
        Date("expires", SDO.validUntil, "Expires on"),
        Text("standard", CHM.standard, "Standard", many=True, hint="Such as ISO 14001."),
        Agent("holders", CHM.holder, "Issued to", many=True),
        Agent("providers", SDO.provider, "Provider of the resource", many=True),
        Agent("consenting", CHM.consentGivenBy, "Who gave prior informed consent", many=True),
        LocalisedText("subject_matter", SDO.about, "What it covers"),
        YesNo("confidential", CHM.confidential, "Some details are confidential"),
        YesNo("consent_given", CHM.consentGiven, "Prior informed consent was given"),
        YesNo("terms_agreed", CHM.termsAgreed, "Mutually agreed terms were set"),
        Choice("usage", CHM.usage, "Use", many=True, choices=("commercial", "non-commercial")),
    ),
)

TYPES = (CHEMICAL, STOCKPILE, TECHNOLOGY, CERTIFICATE)
