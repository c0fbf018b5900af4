"""Agreements, requests for help, offers and calls."""

from chm_node.namespaces import CHM, DCTERMS, SDO
from chm_node.schema import (
    PLACE_SCHEMES,
    Agent,
    Choice,
    Date,
    Field,
    Group,
    Language,
    LocalisedText,
    Money,
    RecordReference,
    RecordType,
    Term,
    YesNo,
)

AGREEMENT = RecordType(
    "cooperation-agreement",
    SDO.LegislationObject,
    "Cooperation agreement",
    (
        Agent("parties", SDO.participant, "Parties", many=True),
        Date("date", DCTERMS.date, "Signed on"),
        Date("starts", SDO.startDate, "Starts"),
        Date("ends", SDO.endDate, "Ends"),
        LocalisedText("fields", SDO.about, "Fields of cooperation", many=True),
        Choice(
            "agreement_status",
            CHM.state,
            "State of the agreement",
            choices=("in preparation", "signed", "in force", "suspended", "ended"),
        ),
        RecordReference("projects", CHM.project, "Projects under it", many=True, types=("project", "initiative")),
    ),
)

ASSISTANCE: tuple[Field, ...] = (
    Choice(
        "kinds",
        CHM.assistanceKind,
        "Kind of assistance",
        many=True,
        choices=("scientific", "technical", "legal", "financial", "training", "equipment"),
    ),
    Term(
        "countries",
        SDO.eligibleRegion,
        "Countries and regions",
        many=True,
        facet="country",
        schemes=PLACE_SCHEMES,
        hint="Where the help is needed or can be given.",
    ),
    Language("working_languages", SDO.availableLanguage, "Working languages", many=True),
    Date("starts", SDO.validFrom, "Open from"),
    Date("deadline", SDO.validThrough, "Deadline"),
    LocalisedText("conditions", CHM.condition, "Conditions"),
    Choice("state", CHM.state, "State", facet="status", choices=("open", "matched", "in progress", "closed")),
    Group(
        "matches",
        CHM.match,
        "Matches",
        many=True,
        rdf_class=CHM.Match,
        parts=(
            Date("date", DCTERMS.date, "Day", required=True),
            RecordReference("record", DCTERMS.relation, "Matching request or offer"),
            LocalisedText("note", DCTERMS.description, "Explanation"),
        ),
        hint="What was brought together with what, and when.",
    ),
)

REQUEST = RecordType("assistance-request", SDO.Demand, "Request for technical or scientific assistance", ASSISTANCE)

OFFER = RecordType("assistance-offer", SDO.Offer, "Offer of assistance", ASSISTANCE)

OPPORTUNITY = RecordType(
    "opportunity",
    SDO.Offer,
    "Opportunity or call",
    (
        *ASSISTANCE,
        LocalisedText("eligibility", CHM.eligibility, "Who may apply"),
        LocalisedText("how_to_apply", CHM.howToApply, "How to apply"),
        Money("amount", SDO.price, "Amount"),
        YesNo("fruitless", CHM.fruitless, "Ended without a result", hint="For a tender that no bidder won."),
    ),
)

TYPES = (AGREEMENT, REQUEST, OFFER, OPPORTUNITY)
