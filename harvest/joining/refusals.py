"""Why a notification is not taken: problem type, HTTP status, and a sentence for whoever runs the sender."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True)
class Refusal:
    """One reason; its name is the problem type."""

    status: HTTPStatus  #: of the answer; what a worker finds out later is only told where the state stands
    sentences: Mapping[str, str]  #: by language


def _because(status: HTTPStatus, en: str, fr: str, ar: str) -> Refusal:
    return Refusal(status, {"en": en, "fr": fr, "ar": ar})


REFUSALS: Mapping[str, Refusal] = {
    "too-many-notifications": _because(
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many notifications came from this address; wait a minute.",
        "Trop de notifications sont venues de cette adresse ; attendez une minute.",
        "وردت إشعارات كثيرة من هذا العنوان؛ انتظروا دقيقة.",
    ),
    "notification-too-large": _because(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The notification is larger than 16 KiB.",
        "La notification dépasse 16 Kio.",
        "يتجاوز الإشعار 16 كيبيبايت.",
    ),
    "unacceptable-media-type": _because(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "A notification is sent as application/ld+json, without compression.",
        "Une notification s’envoie en application/ld+json, sans compression.",
        "يُرسل الإشعار بصيغة application/ld+json ودون ضغط.",
    ),
    "unsigned": _because(
        HTTPStatus.UNAUTHORIZED,
        "The request is not signed for this purpose (RFC 9421, tag chm-federation).",
        "La requête n’est pas signée à cette fin (RFC 9421, étiquette chm-federation).",
        "الطلب غير موقّع لهذا الغرض (RFC 9421، الوسم chm-federation).",
    ),
    "malformed-signature": _because(
        HTTPStatus.BAD_REQUEST,
        "The signature cannot be read, or is of another kind than Ed25519.",
        "La signature est illisible, ou d’un autre genre qu’Ed25519.",
        "تعذّرت قراءة التوقيع أو أنه من غير نوع Ed25519.",
    ),
    "incomplete-signature": _because(
        HTTPStatus.BAD_REQUEST,
        "The signature has to cover method, address, media type and digest, and to state created, expires and nonce.",
        "La signature doit couvrir méthode, adresse, type et empreinte, et indiquer created, expires et nonce.",
        "يجب أن يشمل التوقيع الطريقة والعنوان والصيغة والبصمة، وأن يذكر created وexpires وnonce.",
    ),
    "signature-expired": _because(
        HTTPStatus.UNAUTHORIZED,
        "The signature is not valid at this time; set the clock, and let it last five minutes at most.",
        "La signature n’est pas valable à cette heure ; réglez l’horloge, et limitez-la à cinq minutes.",
        "التوقيع غير صالح في هذا الوقت؛ اضبطوا الساعة ولا تجعلوا مدته أكثر من خمس دقائق.",
    ),
    "replayed": _because(
        HTTPStatus.UNAUTHORIZED,
        "This request has come before; sign a new one for each try.",
        "Cette requête est déjà venue ; signez-en une nouvelle à chaque essai.",
        "سبق أن ورد هذا الطلب؛ وقّعوا طلبًا جديدًا لكل محاولة.",
    ),
    "bad-digest": _because(
        HTTPStatus.BAD_REQUEST,
        "The digest (Content-Digest, sha-256) is not that of the body.",
        "L’empreinte (Content-Digest, sha-256) n’est pas celle du corps.",
        "البصمة (Content-Digest، sha-256) لا تطابق المتن.",
    ),
    "bad-signature": _because(
        HTTPStatus.UNAUTHORIZED,
        "The signature does not fit: the request was changed on its way, or another key made it.",
        "La signature ne correspond pas : la requête a été modifiée en route, ou une autre clé l’a faite.",
        "التوقيع غير مطابق: عُدّل الطلب في الطريق أو وُقّع بمفتاح آخر.",
    ),
    "foreign-key": _because(
        HTTPStatus.FORBIDDEN,
        "The key lies on another host than the node that speaks.",
        "La clé se trouve sur un autre hôte que le nœud qui parle.",
        "يقع المفتاح على مضيف غير مضيف العقدة المتحدثة.",
    ),
    "unknown-key": _because(
        HTTPStatus.FORBIDDEN,
        "The key is not the one that is known of this node.",
        "La clé n’est pas celle que l’on connaît de ce nœud.",
        "هذا المفتاح ليس المفتاح المعروف لهذه العقدة.",
    ),
    "unknown-context": _because(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The notification needs a JSON-LD context that is not carried here, and none is ever fetched.",
        "La notification demande un contexte JSON-LD absent d’ici, et aucun n’est jamais téléchargé.",
        "يحتاج الإشعار إلى سياق JSON-LD غير متوفر هنا، ولا يُجلب أي سياق أبدًا.",
    ),
    "malformed-notification": _because(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The notification is not an activity that this inbox takes.",
        "La notification n’est pas une activité que cette boîte accepte.",
        "الإشعار ليس نشاطًا يقبله هذا الصندوق.",
    ),
    "wrong-target": _because(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The notification is meant for another node.",
        "La notification est destinée à un autre nœud.",
        "الإشعار موجّه إلى عقدة أخرى.",
    ),
    "not-joined": _because(
        HTTPStatus.FORBIDDEN,
        "There is nothing here that this notification could be about.",
        "Il n’y a rien ici que cette notification puisse concerner.",
        "لا يوجد هنا ما يمكن أن يتعلق به هذا الإشعار.",
    ),
    "inbox-full": _because(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many requests wait already; try again later.",
        "Trop de demandes attendent déjà ; réessayez plus tard.",
        "طلبات كثيرة تنتظر الآن؛ أعيدوا المحاولة لاحقًا.",
    ),
    # Found out by the worker.
    "no-description": _because(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The description of the node could not be read at its own address.",
        "La description du nœud n’a pas pu être lue à sa propre adresse.",
        "تعذّرت قراءة وصف العقدة في عنوانها.",
    ),
    "unlisted-key": _because(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The description of the node does not state the new key, and the old one with its end.",
        "La description du nœud n’indique pas la nouvelle clé, et l’ancienne avec sa fin.",
        "لا يذكر وصف العقدة المفتاح الجديد والمفتاح القديم مع تاريخ انتهائه.",
    ),
    "replaced": _because(
        HTTPStatus.CONFLICT,
        "A later request of the same node came with another key.",
        "Une demande ultérieure du même nœud est venue avec une autre clé.",
        "ورد طلب لاحق من العقدة نفسها بمفتاح آخر.",
    ),
}
