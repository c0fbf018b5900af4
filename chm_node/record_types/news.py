"""What a node tells its readers: news, newsletters, notifications, pages, pictures, questions and answers."""

from chm_node.namespaces import CHM, DCTERMS, SDO
from chm_node.schema import (
    Agent,
    Choice,
    Date,
    Link,
    LocalisedText,
    MediaType,
    Number,
    RecordReference,
    RecordType,
    Text,
)

PUBLISHED_ON = Date("date", DCTERMS.date, "Published on")
IMAGE = Link("image", SDO.image, "Picture")

NEWS = RecordType(
    "news",
    SDO.NewsArticle,
    "News item",
    (PUBLISHED_ON, IMAGE, LocalisedText("dateline", SDO.dateline, "Place of writing")),
)

NEWSLETTER = RecordType(
    "newsletter",
    SDO.PublicationIssue,
    "Newsletter issue",
    (
        PUBLISHED_ON,
        Text("issue", SDO.issueNumber, "Issue"),
        Number("pages", SDO.numberOfPages, "Number of pages"),
        RecordReference("articles", CHM.article, "Articles", many=True),
    ),
)

NOTIFICATION = RecordType(
    "notification",
    SDO.Message,
    "Notification",
    (
        Date("date", DCTERMS.date, "Sent on"),
        Agent("sender", SDO.sender, "Sender"),
        LocalisedText("recipients", SDO.recipient, "Sent to", many=True),
        Date("answer_by", SDO.validThrough, "Answer needed by"),
    ),
)

PAGE = RecordType(
    "page",
    SDO.WebPage,
    "Web page",
    (IMAGE, Number("position", SDO.position, "Place in the menu", hint="Pages are listed from the lowest number up.")),
)

MEDIA = RecordType(
    "media",
    SDO.MediaObject,
    "Image, video or audio",
    (
        PUBLISHED_ON,
        Link("content", SDO.contentUrl, "Address of the file"),
        MediaType("media_type", SDO.encodingFormat, "Media type"),
        Choice("kind", SDO.additionalType, "Kind", choices=("image", "video", "audio")),
        LocalisedText("caption", SDO.caption, "Caption"),
        LocalisedText("alternative", SDO.accessibilitySummary, "Description for those who cannot see or hear it"),
        Text("duration", SDO.duration, "Duration", hint="As ISO 8601, such as PT3M20S for three minutes and twenty."),
    ),
)

FAQ = RecordType(
    "faq",
    SDO.Question,
    "Frequently asked question",
    (
        LocalisedText("title", DCTERMS.title, "Question", required=True),
        LocalisedText("answer", SDO.acceptedAnswer, "Answer", required=True),
    ),
)

TYPES = (NEWS, NEWSLETTER, NOTIFICATION, PAGE, MEDIA, FAQ)
