"""Places and living things: protected areas, ecosystems, species."""

from chm_node.namespaces import CHM, DWC, RDFS, SDO, SKOS
from chm_node.record_types.people import NAME_TO_SHOW
from chm_node.schema import Agent, Choice, Date, Link, LocalisedText, Place, Quantity, RecordReference, RecordType, Text

RISK = Choice(
    "risk",
    CHM.conservationStatus,
    "IUCN Red List category",
    choices=("NE", "DD", "LC", "NT", "VU", "EN", "CR", "EW", "CO", "EX"),
)

PROTECTED_AREA = RecordType(
    "protected-area",
    SDO.Place,
    "Protected area",
    (
        NAME_TO_SHOW,
        Text("wdpa_id", CHM.wdpaId, "WDPA number", hint="The number in the World Database on Protected Areas."),
        Choice("category", CHM.iucnCategory, "IUCN category", choices=("Ia", "Ib", "II", "III", "IV", "V", "VI")),
        Quantity("area", CHM.area, "Area"),
        Place("location", SDO.location, "Location"),
        Link("map", SDO.hasMap, "Map"),
        Date("founded_on", SDO.foundingDate, "Founded on"),
        LocalisedText("designation", CHM.designation, "Designation"),
        Agent("managed_by", CHM.managedBy, "Managed by"),
        RecordReference("species", CHM.species, "Species", many=True, types=("species",)),
    ),
)

ECOSYSTEM = RecordType(
    "ecosystem",
    SKOS.Concept,
    "Ecosystem",
    (
        NAME_TO_SHOW,
        LocalisedText("classification", CHM.classification, "Classification"),
        RISK,
        Quantity("area", CHM.area, "Area"),
        Place("location", SDO.location, "Location"),
        LocalisedText("threats", CHM.threat, "Threats", many=True),
    ),
)

SPECIES = RecordType(
    "species",
    DWC.Taxon,
    "Species",
    (
        NAME_TO_SHOW,
        Text("scientific_name", DWC.scientificName, "Scientific name", required=True, hint="In Latin, without author."),
        Text("authorship", DWC.scientificNameAuthorship, "Author of the name"),
        Text("family", DWC.family, "Family"),
        Choice("rank", DWC.taxonRank, "Rank", choices=("species", "subspecies", "variety", "genus", "family")),
        LocalisedText("common_names", DWC.vernacularName, "Common names", many=True),
        RISK,
        Choice(
            "presence",
            DWC.establishmentMeans,
            "Presence in the country",
            choices=("native", "introduced", "invasive", "endemic", "extinct here"),
        ),
        LocalisedText("threats", CHM.threat, "Threats", many=True),
        Link("taxon", RDFS.seeAlso, "Entry in a register of species", many=True),
    ),
)

TYPES = (PROTECTED_AREA, ECOSYSTEM, SPECIES)
