"""Events, meetings and training courses."""

from chm_node.namespaces import CHM, DCTERMS, SDO
from chm_node.schema import (
    Agent,
    Choice,
    Date,
    Field,
    Group,
    Link,
    LocalisedText,
    Number,
    Place,
    RecordReference,
    RecordType,
    Text,
)

EVENT_FIELDS: tuple[Field, ...] = (
    Date("starts", SDO.startDate, "First day", required=True, hint="The day or month may be left out if unknown."),
    Date("ends", SDO.endDate, "Last day"),
    Text("time_zone", CHM.timeZone, "Time zone", hint="Such as Africa/Algiers."),
    Place("place", SDO.location, "Place"),
    Link("online", SDO.url, "Address to take part online"),
    Agent("organisers", SDO.organizer, "Organisers", many=True),
    Choice("attendance", SDO.eventAttendanceMode, "Attendance", choices=("in person", "online", "both")),
    Choice("admission", SDO.conditionsOfAccess, "Who may come", choices=("open", "on registration", "by invitation")),
    Choice(
        "event_status",
        SDO.eventStatus,
        "State of the event",
        choices=("planned", "confirmed", "postponed", "cancelled", "held"),
    ),
    Number("participants", CHM.participantCount, "Number of participants"),
    LocalisedText("agenda", CHM.agenda, "Agenda"),
    RecordReference("documents", SDO.workFeatured, "Documents", many=True, types=("document", "resource")),
    RecordReference("series", SDO.superEvent, "Part of the series", types=("event", "meeting")),
    LocalisedText("outcome", SDO.result, "Outcome"),
)

EVENT = RecordType("event", SDO.Event, "Event", EVENT_FIELDS)

MEETING = RecordType(
    "meeting",
    SDO.Event,
    "Meeting",
    (
        *EVENT_FIELDS,
        Text("symbol", CHM.meetingSymbol, "Symbol of the meeting", hint="Such as COP-7 or SBSTTA-12."),
        Agent("body", CHM.body, "Body that meets"),
        LocalisedText("delegation", CHM.delegation, "Delegation of the country"),
    ),
)

TRAINING = RecordType(
    "training",
    SDO.CourseInstance,
    "Training course",
    (
        *EVENT_FIELDS,
        LocalisedText("course", DCTERMS.isVersionOf, "Course", hint="The course of which this is one session."),
        Number("sessions", CHM.sessionCount, "Number of sessions"),
        Number("hours", CHM.hours, "Hours of teaching"),
        Number("seats", SDO.maximumAttendeeCapacity, "Seats"),
        Agent("trainers", SDO.instructor, "Trainers", many=True),
        Group(
            "trainees",
            CHM.trainees,
            "Trainees",
            many=True,
            rdf_class=CHM.Trainees,
            parts=(
                Choice("sex", SDO.gender, "Sex", choices=("women", "men", "not stated")),
                LocalisedText("group", SDO.audience, "Age or other group"),
                Number("count", SDO.value, "Number", required=True),
            ),
            hint="How many people were trained, by sex and age group.",
        ),
        LocalisedText("certificate", SDO.educationalCredentialAwarded, "Certificate"),
        Link("platform", SDO.courseMode, "Learning platform"),
    ),
    more_classes=(SDO.Course,),
)

TYPES = (EVENT, MEETING, TRAINING)
#: Names of the record types that happen on a day.
EVENT_TYPES = tuple(each.name for each in TYPES)
