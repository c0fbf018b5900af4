"""Databases, services, data sets and figures."""

from chm_node.namespaces import CHM, DCAT, DCTERMS, QB, QUDT, RDFS, SDO, SKOS
from chm_node.schema import (
    Choice,
    Date,
    DateRange,
    Field,
    Group,
    Language,
    Link,
    LocalisedText,
    Number,
    Place,
    Quantity,
    RecordReference,
    RecordType,
    Term,
    Text,
)

FREQUENCY = Choice(
    "frequency",
    DCTERMS.accrualPeriodicity,
    "How often it is updated",
    choices=("continuously", "daily", "weekly", "monthly", "quarterly", "yearly", "irregularly", "never again"),
)

DATABASE = RecordType(
    "database",
    DCAT.DataService,
    "National website or database",
    (
        Link("websites", SDO.url, "Address of the site", many=True),
        LocalisedText("admission", SDO.conditionsOfAccess, "Who may use it"),
        Link("endpoint", DCAT.endpointURL, "Address for machines"),
        Link("endpoint_description", DCAT.endpointDescription, "Description of the interface"),
        Text("formats", DCTERMS.format, "Formats", many=True),
        FREQUENCY,
        Date("starts", SDO.startDate, "Online since"),
        Date("checked_on", CHM.checkedOn, "Last checked on"),
    ),
)

SERVICE = RecordType(
    "service",
    SDO.Service,
    "Service",
    (
        Link("websites", SDO.url, "Address of the site", many=True),
        LocalisedText("kind", SDO.serviceType, "Kind of service"),
        LocalisedText("audience", SDO.audience, "Who it is for", many=True),
        LocalisedText("how_to_apply", CHM.howToApply, "How to apply"),
        Language("working_languages", SDO.availableLanguage, "Working languages", many=True),
        LocalisedText("cost", SDO.price, "Cost"),
        LocalisedText("turnaround", CHM.turnaround, "How long it takes"),
        Date("starts", SDO.startDate, "Offered since"),
    ),
)

DATASET = RecordType(
    "dataset",
    DCAT.Dataset,
    "Dataset",
    (
        Date("date", DCTERMS.date, "Published on"),
        LocalisedText("variables", SDO.variableMeasured, "Variables", many=True),
        LocalisedText("method", SDO.measurementTechnique, "Method"),
        FREQUENCY,
    ),
)

UNIT = Term("unit", QUDT.hasUnit, "Unit", hint="A QUDT unit, or the sign or name of the unit.")

INDICATOR = RecordType(
    "indicator",
    SKOS.Concept,
    "Indicator",
    (
        Text("code", SKOS.notation, "Code"),
        UNIT,
        FREQUENCY,
        Term("global_indicator", SKOS.closeMatch, "Global indicator", schemes=("gbf-indicators",)),
        RecordReference("dataset", DCTERMS.source, "Source of the data", types=("dataset", "database")),
        LocalisedText("method", SDO.measurementTechnique, "Method"),
    ),
    more_classes=(QB.MeasureProperty,),
)

FIGURES: tuple[Field, ...] = (
    Date("date", DCTERMS.date, "Year or day", hint="The year is enough."),
    DateRange("measured_during", CHM.measuredDuring, "Period measured"),
    Place("place", SDO.location, "Place"),
    Number("value", SDO.value, "Value"),
    Number("planned", CHM.planned, "Planned"),
    Number("achieved", CHM.achieved, "Achieved"),
    Number(
        "percent", CHM.percent, "Achieved in per cent", hint="As the source gives it; leave out what it does not say."
    ),
    UNIT,
    Group(
        "figures",
        CHM.figure,
        "Further figures",
        many=True,
        rdf_class=CHM.Figure,
        parts=(
            LocalisedText("name", SDO.name, "What is counted", required=True),
            Quantity("quantity", QUDT.quantityValue, "Quantity", required=True),
        ),
        hint="Such as commitments and payments beside a budget.",
    ),
    LocalisedText("note", RDFS.comment, "Explanation", hint="Why the figure is what it is."),
)

INDICATOR_VALUE = RecordType(
    "indicator-value",
    QB.Observation,
    "Indicator value",
    (RecordReference("indicator", CHM.indicator, "Indicator", types=("indicator",)), *FIGURES),
)

PERFORMANCE_INDICATOR = RecordType(
    "kpi",
    QB.Observation,
    "Institution performance indicator",
    (RecordReference("institution", CHM.institution, "Institution", types=("organization", "authority")), *FIGURES),
)

TYPES = (DATABASE, SERVICE, DATASET, INDICATOR, INDICATOR_VALUE, PERFORMANCE_INDICATOR)
