"""What each check asks for, in words that a focal point can send to the web master."""

from collections.abc import Mapping

#: One sentence a language for every check.
SENTENCES: Mapping[str, Mapping[str, str]] = {
    "address.answers": {
        "en": "Have the address answer without a password, from anywhere, within 20 seconds.",
        "fr": "Faites répondre l’adresse sans mot de passe, de partout, en moins de 20 secondes.",
        "ar": "اجعلوا العنوان يجيب بلا كلمة مرور، من أي مكان، في أقل من 20 ثانية.",
    },
    "address.https": {
        "en": "Serve the site over an encrypted connection (https) with a valid certificate.",
        "fr": "Servez le site par une connexion chiffrée (https) avec un certificat valide.",
        "ar": "قدّموا الموقع عبر اتصال مشفّر (https) بشهادة صالحة.",
    },
    "description.found": {
        "en": "Publish a description of the node in RDF and have /.well-known/api-catalog lead to it.",
        "fr": "Publiez une description du nœud en RDF et faites-y mener /.well-known/api-catalog.",
        "ar": "انشروا وصفًا للعقدة بصيغة RDF واجعلوا ‎/.well-known/api-catalog يقود إليه.",
    },
    "description.api-catalog": {
        "en": "Serve /.well-known/api-catalog as a link set that lists the interfaces and the description of the node.",
        "fr": "Servez /.well-known/api-catalog comme ensemble de liens vers les interfaces et la description du nœud.",
        "ar": "قدّموا ‎/.well-known/api-catalog كمجموعة روابط تسرد واجهات العقدة ووصفها.",
    },
    "description.void": {
        "en": "Redirect /.well-known/void to the description of the node.",
        "fr": "Redirigez /.well-known/void vers la description du nœud.",
        "ar": "حوّلوا ‎/.well-known/void إلى وصف العقدة.",
    },
    "description.rdf": {
        "en": "Repair the description so that a strict reader accepts it as Turtle, JSON-LD, N-Triples or RDF/XML.",
        "fr": "Corrigez la description pour qu’un lecteur strict l’accepte en Turtle, JSON-LD, N-Triples ou RDF/XML.",
        "ar": "أصلحوا الوصف ليقبله قارئ صارم بصيغة Turtle أو JSON-LD أو N-Triples أو RDF/XML.",
    },
    "description.node-iri": {
        "en": "Use the address of the description itself as the identifier of the node.",
        "fr": "Prenez l’adresse même de la description comme identifiant du nœud.",
        "ar": "اتخذوا عنوان الوصف نفسه معرّفًا للعقدة.",
    },
    "description.uri-space": {
        "en": "State once with void:uriSpace where the records lie: on the node’s own host, ending in a slash.",
        "fr": "Indiquez une fois par void:uriSpace où sont les notices : sur l’hôte du nœud, barre finale comprise.",
        "ar": "بيّنوا مرة واحدة بواسطة void:uriSpace موضع السجلات: على مضيف العقدة ومنتهيًا بشرطة مائلة.",
    },
    "description.key": {
        "en": "State the public key of the node as an Ed25519 Multikey under assertionMethod, on the node’s own host.",
        "fr": "Indiquez la clé publique du nœud, Multikey Ed25519 sous assertionMethod, sur l’hôte même du nœud.",
        "ar": "اذكروا المفتاح العام للعقدة بصيغة Ed25519 Multikey تحت assertionMethod، على مضيف العقدة نفسه.",
    },
    "description.titles": {
        "en": "Name the node in every language in which it publishes.",
        "fr": "Nommez le nœud dans chaque langue dans laquelle il publie.",
        "ar": "سمّوا العقدة بكل لغة تنشر بها.",
    },
    "description.licence": {
        "en": "State with dcterms:license under which licence the descriptions may be copied.",
        "fr": "Indiquez par dcterms:license sous quelle licence les descriptions peuvent être copiées.",
        "ar": "اذكروا بواسطة dcterms:license الترخيص الذي يُسمح بموجبه بنسخ الأوصاف.",
    },
    "description.interfaces": {
        "en": "Have every interface that the description names answer, or name it no longer.",
        "fr": "Faites répondre chaque interface que nomme la description, ou ne la nommez plus.",
        "ar": "اجعلوا كل واجهة يذكرها الوصف تجيب، أو احذفوا ذكرها.",
    },
    "log.found": {
        "en": "Name the log of changes in the description, on the node’s own host, and have it answer as RDF.",
        "fr": "Nommez le journal des changements dans la description, sur l’hôte du nœud, et servez-le en RDF.",
        "ar": "اذكروا سجل التغييرات في الوصف، على مضيف العقدة نفسه، وقدّموه بصيغة RDF.",
    },
    "log.stream": {
        "en": "Describe the log at its root as one ldes:EventStream, with tree:view leading to the root.",
        "fr": "Décrivez le journal à sa racine comme un seul ldes:EventStream, tree:view menant à la racine.",
        "ar": "صِفوا سجل التغييرات عند جذره بأنه ldes:EventStream واحد يقود فيه tree:view إلى الجذر.",
    },
    "log.paths": {
        "en": "State ldes:timestampPath as:published, and the paths and classes that tell versions and deletions.",
        "fr": "Indiquez ldes:timestampPath as:published, et les chemins et classes des versions et suppressions.",
        "ar": "اذكروا ldes:timestampPath as:published، والمسارات والفئات التي تميّز الإصدارات والحذف.",
    },
    "log.pages": {
        "en": "Have every page that the log leads to answer as well-formed RDF of at most 5 MiB.",
        "fr": "Servez chaque page à laquelle mène le journal en RDF bien formé de 5 Mio au plus.",
        "ar": "قدّموا كل صفحة يقود إليها سجل التغييرات بصيغة RDF سليمة لا تتجاوز 5 ميبيبايت.",
    },
    "log.order": {
        "en": "Give each log entry one time of its own (as:published, with zone), later than that of the entry before.",
        "fr": "Donnez à chaque entrée du journal une heure propre (as:published, avec fuseau), après celle d’avant.",
        "ar": "أعطوا كل قيد في سجل التغييرات وقتًا خاصًا به (as:published مع المنطقة الزمنية) بعد وقت القيد السابق.",
    },
    "log.bounds": {
        "en": "State bounds for the pages of the log that all entries of a page respect, without gap or overlap.",
        "fr": "Donnez aux pages du journal des bornes que toutes leurs entrées respectent, sans trou ni recouvrement.",
        "ar": "ضعوا لصفحات سجل التغييرات حدودًا تلتزم بها كل قيودها، بلا فجوة ولا تداخل.",
    },
    "log.immutable": {
        "en": "Send complete pages of the log, and no others, with “Cache-Control: immutable” and ldes:immutable.",
        "fr": "Envoyez les seules pages complètes du journal avec « Cache-Control: immutable » et ldes:immutable.",
        "ar": "أرسلوا صفحات سجل التغييرات المكتملة، دون غيرها، مع «Cache-Control: immutable» وldes:immutable.",
    },
    "log.tombstones": {
        "en": "Answer 410 (gone) at the address of a withdrawn record.",
        "fr": "Répondez 410 (disparu) à l’adresse d’une notice retirée.",
        "ar": "أجيبوا بالرمز 410 (أُزيل) عند عنوان السجل المسحوب.",
    },
    "log.ends": {
        "en": "Have the pages of the log lead forward only; no page may lead back to itself or to an earlier one.",
        "fr": "Les pages du journal ne mènent qu’en avant ; aucune ne ramène à elle-même ou à une page antérieure.",
        "ar": "لتقُد صفحات سجل التغييرات إلى الأمام فقط؛ لا ترجع صفحة إلى نفسها أو إلى سابقة لها.",
    },
    "records.authority": {
        "en": "Offer only records of the node itself, under its own addresses, that speak only of themselves.",
        "fr": "Ne proposez que des notices du nœud lui-même, sous ses adresses, qui ne parlent que d’elles-mêmes.",
        "ar": "لا تعرضوا إلا سجلات العقدة نفسها، تحت عناوينها، التي لا تتحدث إلا عن ذاتها.",
    },
    "records.proof": {
        "en": "Sign every record with the key of the node (Data Integrity, eddsa-rdfc-2022).",
        "fr": "Signez chaque notice avec la clé du nœud (Data Integrity, eddsa-rdfc-2022).",
        "ar": "وقّعوا كل سجل بمفتاح العقدة (Data Integrity، eddsa-rdfc-2022).",
    },
    "records.version": {
        "en": "State in every record its node and the time of its version, which must not lie in the future.",
        "fr": "Indiquez dans chaque notice son nœud et l’heure de sa version, qui ne doit pas être à venir.",
        "ar": "اذكروا في كل سجل عقدته ووقت إصداره، على ألا يكون في المستقبل.",
    },
    "records.licence": {
        "en": "State in every record under which licence its description may be copied.",
        "fr": "Indiquez dans chaque notice sous quelle licence sa description peut être copiée.",
        "ar": "اذكروا في كل سجل الترخيص الذي يُسمح بموجبه بنسخ وصفه.",
    },
    "records.title": {
        "en": "Give every record a title in at least one language.",
        "fr": "Donnez à chaque notice un titre dans une langue au moins.",
        "ar": "أعطوا كل سجل عنوانًا بلغة واحدة على الأقل.",
    },
    "records.content": {
        "en": "Carry every record whole in its log entry, without blank nodes or control characters, at most 256 KiB.",
        "fr": "Placez la notice entière dans son entrée, sans nœud anonyme ni caractère de commande, 256 Kio au plus.",
        "ar": "احملوا كل سجل كاملًا في قيده، بلا عُقد مجهولة ولا محارف تحكّم، وبما لا يتجاوز 256 كيبيبايت.",
    },
    "records.rules": {
        "en": "Fill the fields of every record as its type asks.",
        "fr": "Remplissez les champs de chaque notice comme le demande son type.",
        "ar": "املؤوا حقول كل سجل كما يقتضي نوعه.",
    },
    "records.negotiation": {
        "en": "Have the address of every record answer in Turtle and in JSON-LD, by the Accept header.",
        "fr": "Faites répondre l’adresse de chaque notice en Turtle et en JSON-LD, selon l’en-tête Accept.",
        "ar": "اجعلوا عنوان كل سجل يجيب بصيغتي Turtle وJSON-LD وفق ترويسة Accept.",
    },
    "records.hash": {
        "en": "Serve at the address of a record exactly the statements that the log carries for it.",
        "fr": "Servez à l’adresse d’une notice exactement les énoncés que porte le journal.",
        "ar": "قدّموا عند عنوان السجل العبارات ذاتها التي يحملها سجل التغييرات عنه.",
    },
    "caching.etag": {
        "en": "Send an ETag with the log and with every feed.",
        "fr": "Envoyez un ETag avec le journal et avec chaque flux.",
        "ar": "أرسلوا ETag مع سجل التغييرات ومع كل خلاصة.",
    },
    "caching.not-modified": {
        "en": "Answer 304 when the log or a feed is asked for again and has not changed.",
        "fr": "Répondez 304 quand le journal ou un flux est redemandé sans avoir changé.",
        "ar": "أجيبوا بالرمز 304 عند طلب سجل التغييرات أو الخلاصة ثانية دون تغيير.",
    },
    "caching.last-modified": {
        "en": "Send Last-Modified with every feed.",
        "fr": "Envoyez Last-Modified avec chaque flux.",
        "ar": "أرسلوا Last-Modified مع كل خلاصة.",
    },
    "caching.gzip": {
        "en": "Compress answers with gzip for those who accept it.",
        "fr": "Compressez les réponses en gzip pour qui l’accepte.",
        "ar": "اضغطوا الإجابات بصيغة gzip لمن يقبلها.",
    },
    "feeds.found": {
        "en": "Offer a feed (RSS, Atom or JSON Feed) and link to it from the home page with rel=“alternate”.",
        "fr": "Proposez un flux (RSS, Atom ou JSON Feed) et liez-le depuis la page d’accueil avec rel=“alternate”.",
        "ar": "قدّموا خلاصة (RSS أو Atom أو JSON Feed) واربطوا بها من الصفحة الرئيسية بواسطة rel=“alternate”.",
    },
    "feeds.well-formed": {
        "en": "Repair the feed so that a strict reader accepts it: well-formed, without DOCTYPE, with a title.",
        "fr": "Corrigez le flux pour qu’un lecteur strict l’accepte : bien formé, sans DOCTYPE, avec un titre.",
        "ar": "أصلحوا الخلاصة ليقبلها قارئ صارم: سليمة البنية، بلا DOCTYPE، ولها عنوان.",
    },
    "feeds.dates": {
        "en": "Date every entry of the feed, in the form that its format prescribes, with a time zone.",
        "fr": "Datez chaque entrée du flux, sous la forme prescrite par son format, avec un fuseau horaire.",
        "ar": "أرّخوا كل مدخل في الخلاصة بالشكل الذي تفرضه صيغتها، مع المنطقة الزمنية.",
    },
    "feeds.ids": {
        "en": "Give every entry of the feed an identifier of its own that never changes.",
        "fr": "Donnez à chaque entrée du flux un identifiant propre qui ne change jamais.",
        "ar": "أعطوا كل مدخل في الخلاصة معرّفًا خاصًا به لا يتغير أبدًا.",
    },
    "feeds.language": {
        "en": "State the language of the feed with a tag such as “fr” or “ar”.",
        "fr": "Indiquez la langue du flux par un code tel que « fr » ou « ar ».",
        "ar": "اذكروا لغة الخلاصة برمز مثل «fr» أو «ar».",
    },
    "feeds.self": {
        "en": "Have the feed name its own address (a link with rel=“self”, or feed_url).",
        "fr": "Indiquez dans le flux sa propre adresse (lien rel=“self”, ou feed_url).",
        "ar": "اجعلوا الخلاصة تذكر عنوانها (رابط rel=“self” أو feed_url).",
    },
    "feeds.direction": {
        "en": "Mark entries in Arabic (language “ar”; dir=“rtl” in HTML), so that they are shown right to left.",
        "fr": "Marquez les entrées en arabe (langue « ar » ; dir=“rtl” en HTML) pour un affichage de droite à gauche.",
        "ar": "ميّزوا المداخل العربية (اللغة «ar» وdir=“rtl” في HTML) لتُعرض من اليمين إلى اليسار.",
    },
    "complete": {
        "en": "Answer faster, so that everything can be checked within a minute.",
        "fr": "Répondez plus vite, pour que tout puisse être vérifié en une minute.",
        "ar": "أسرعوا في الإجابة ليتسنى فحص كل شيء خلال دقيقة.",
    },
}
