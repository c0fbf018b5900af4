"""Why a record or a page was refused, in words for a focal point."""

from collections.abc import Mapping

from harvest.trust import Verdict

#: One sentence a language for every verdict that refuses.
REASONS: Mapping[Verdict, Mapping[str, str]] = {
    Verdict.NO_PAYLOAD: {
        "en": "The log entry does not carry the record it speaks of; publish the record again.",
        "fr": "L’entrée du journal ne contient pas la notice dont elle parle ; publiez de nouveau la notice.",
        "ar": "لا يحمل القيد في سجل التغييرات السجل الذي يتحدث عنه؛ أعيدوا نشر السجل.",
    },
    Verdict.NO_IDENTITY: {
        "en": "The record does not say which node it belongs to, or when this version of it was published.",
        "fr": "La notice n’indique pas à quel nœud elle appartient, ou quand cette version a été publiée.",
        "ar": "لا يبيّن السجل العقدة التي يعود إليها أو تاريخ نشر هذا الإصدار.",
    },
    Verdict.NO_LICENCE: {
        "en": "The record does not say under which licence its description may be copied.",
        "fr": "La notice n’indique pas sous quelle licence sa description peut être copiée.",
        "ar": "لا يبيّن السجل الترخيص الذي يُسمح بموجبه بنسخ وصفه.",
    },
    Verdict.NO_TITLE: {
        "en": "The record has no title in any language.",
        "fr": "La notice n’a de titre dans aucune langue.",
        "ar": "ليس للسجل عنوان بأي لغة.",
    },
    Verdict.UNKNOWN_NODE: {
        "en": "The record belongs to a node that nobody has approved here and that the sender does not vouch for.",
        "fr": "La notice appartient à un nœud que personne n’a approuvé ici et dont l’expéditeur n’est pas garant.",
        "ar": "يعود السجل إلى عقدة لم يعتمدها أحد هنا ولا يضمنها المُرسِل.",
    },
    Verdict.UNASKED_NODE: {
        "en": "The record’s node has yet to be asked for its key; the record is taken over once the node confirms it.",
        "fr": "Le nœud de la notice n’a pas encore confirmé sa clé ; la notice sera reprise dès qu’il l’aura fait.",
        "ar": "لم تُسأل عقدة السجل بعد عن مفتاحها؛ يؤخذ السجل متى أكّدته العقدة.",
    },
    Verdict.DISPUTED_NODE: {
        "en": "The sender names a key or addresses for the record’s node that are not that node’s own.",
        "fr": "L’expéditeur attribue au nœud de la notice une clé ou des adresses qui ne sont pas les siennes.",
        "ar": "ينسب المُرسِل إلى عقدة السجل مفتاحًا أو عناوين ليست لها.",
    },
    Verdict.OUT_OF_SCOPE: {
        "en": "The sender may pass on records of certain countries only, and the record’s node is in none of them.",
        "fr": "L’expéditeur ne peut transmettre que les notices de certains pays, dont le nœud de celle-ci n’est pas.",
        "ar": "لا يحق للمُرسِل إلا نقل سجلات بلدان معيّنة، وعقدة هذا السجل ليست في أي منها.",
    },
    Verdict.FOREIGN_IRI: {
        "en": "The address of the record does not lie under the addresses approved for its node.",
        "fr": "L’adresse de la notice ne se trouve pas sous les adresses approuvées pour son nœud.",
        "ar": "لا يقع عنوان السجل ضمن العناوين المعتمدة لعقدته.",
    },
    Verdict.FOREIGN_SUBJECT: {
        "en": "The record makes statements about another record; a record may describe only itself and its own parts.",
        "fr": "La notice affirme quelque chose d’une autre notice ; une notice ne décrit qu’elle-même et ses parties.",
        "ar": "يتضمن السجل عبارات عن سجل آخر؛ لا يصف السجل إلا نفسه وأجزاءه.",
    },
    Verdict.BLANK_NODE: {
        "en": "The record has parts without an address (blank nodes); give every part an address of its own.",
        "fr": "La notice a des parties sans adresse (nœuds anonymes) ; donnez une adresse à chaque partie.",
        "ar": "في السجل أجزاء بلا عنوان (عُقد مجهولة)؛ أعطوا كل جزء عنوانًا خاصًا به.",
    },
    Verdict.BAD_CHARACTERS: {
        "en": "A text of the record contains control characters that no feed can carry; remove them and publish again.",
        "fr": "Un texte de la notice contient des caractères de commande qu’aucun flux ne peut porter ; supprimez-les.",
        "ar": "في أحد نصوص السجل محارف تحكّم لا تحملها أي خلاصة؛ احذفوها وأعيدوا النشر.",
    },
    Verdict.TOO_LARGE: {
        "en": "The record is larger than 256 KiB or has more than 2,000 statements; put long texts into a file.",
        "fr": "La notice dépasse 256 Kio ou 2 000 énoncés ; placez les longs textes dans un fichier.",
        "ar": "يتجاوز السجل 256 كيبيبايت أو 2000 عبارة؛ ضعوا النصوص الطويلة في ملف.",
    },
    Verdict.FUTURE: {
        "en": "The record is dated ahead and waits until then; set the clock of its node and publish it again.",
        "fr": "La notice est datée d’un moment à venir et attend jusque-là ; réglez l’horloge et republiez-la.",
        "ar": "نُشر السجل بتاريخ لم يحلّ بعد وسينتظر حتى حلوله؛ اضبطوا ساعة العقدة وأعيدوا نشره.",
    },
    Verdict.UNSIGNED: {
        "en": "The record is not signed by its node; only signed records are accepted from it or passed on.",
        "fr": "La notice n’est pas signée par son nœud ; seules les notices signées sont acceptées ou transmises.",
        "ar": "السجل غير موقّع من عقدته؛ لا تُقبل ولا تُنقل إلا السجلات الموقّعة.",
    },
    Verdict.BAD_PROOF: {
        "en": "The signature does not fit: the record was changed on its way, or its key is not the approved one.",
        "fr": "La signature ne correspond pas : la notice a été modifiée en route, ou sa clé n’est pas approuvée.",
        "ar": "التوقيع غير مطابق: عُدّل السجل في الطريق أو وُقّع بمفتاح غير معتمد.",
    },
    Verdict.EQUIVOCATION: {
        "en": "The node gave out two different texts as one version; the other is kept until it publishes a new one.",
        "fr": "Le nœud a diffusé deux textes pour une même version ; l’autre est gardé jusqu’à la suivante.",
        "ar": "نشرت العقدة نصين مختلفين على أنهما إصدار واحد؛ يُحتفظ بالآخر إلى أن تنشر إصدارًا جديدًا.",
    },
    Verdict.WITHDRAWAL_HELD: {
        "en": "Too many records were withdrawn at once; the hub keeps this one unless its operator decides otherwise.",
        "fr": "Trop de notices retirées à la fois ; le pôle garde celle-ci sauf avis contraire de son responsable.",
        "ar": "سُحبت سجلات كثيرة دفعة واحدة؛ يُبقي مركز التجميع على هذا السجل ما لم يقرر مشغّله غير ذلك.",
    },
    Verdict.ROLLED_BACK: {
        "en": "The hub went back to an earlier state of the node, and this version waits for its operator; ask there.",
        "fr": "Le pôle est revenu à un état antérieur du nœud ; cette version attend son responsable : écrivez-lui.",
        "ar": "عاد مركز التجميع إلى حالة سابقة للعقدة، وينتظر هذا الإصدار قرار مشغّله؛ راسلوه.",
    },
    Verdict.UNREADABLE_PAGE: {
        "en": "A page of the node’s log could not be read; its other pages were, and this one is read once it changes.",
        "fr": "Une page du journal du nœud est illisible ; les autres ont été lues, et elle le sera si elle change.",
        "ar": "تعذّرت قراءة صفحة من سجل تغييرات العقدة؛ قُرئت صفحاته الأخرى، وستُقرأ هذه متى تغيّرت.",
    },
}
