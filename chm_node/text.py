"""Text from people and strangers: cleaning, HTML, language tags, IRIs. Decides; touches nothing.

Every text enters the catalogue through ``clean_text``, so that no record can break an output format.
"""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

import nh3

# What XML 1.0 §2.2 forbids, the C0 and C1 controls, and the bidi embeddings, overrides and isolates:
# the last can turn the rest of a page around. Lone surrogates lie in D800-DFFF.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n?|\x85")

# fmt: off
_TAGS = {
    "p", "br", "a", "ul", "ol", "li", "em", "strong", "b", "i", "blockquote", "h2", "h3", "h4", "table", "thead",
    "tbody", "tr", "th", "td", "caption", "code", "pre", "span", "div", "dl", "dt", "dd", "abbr", "sup", "sub",
}
# fmt: on

_RTL_SCRIPTS = {"arab", "hebr", "thaa", "syrc", "nkoo", "adlm", "mand", "samr", "rohg"}
_RTL_LANGUAGES = {"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ji", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"}

_LANGUAGE_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})"  # language, extended language
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"  # script, region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*"  # extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+",  # private use
    re.IGNORECASE | re.ASCII,
)

_CODES = """
    aar aa abk ab afr af aka ak amh am ara ar arg an asm as ava av ave ae aym ay aze az bak ba bam bm bel be ben bn
    bis bi bod bo bos bs bre br bul bg cat ca ces cs cha ch che ce chu cu chv cv cor kw cos co cre cr cym cy dan da
    deu de div dv dzo dz ell el eng en epo eo est et eus eu ewe ee fao fo fas fa fij fj fin fi fra fr fry fy ful ff
    gla gd gle ga glg gl glv gv grn gn guj gu hat ht hau ha heb he her hz hin hi hmo ho hrv hr hun hu hye hy ibo ig
    ido io iii ii iku iu ile ie ina ia ind id ipk ik isl is ita it jav jv jpn ja kal kl kan kn kas ks kat ka kau kr
    kaz kk khm km kik ki kin rw kir ky kom kv kon kg kor ko kua kj kur ku lao lo lat la lav lv lim li lin ln lit lt
    ltz lb lub lu lug lg mah mh mal ml mar mr mkd mk mlg mg mlt mt mon mn mri mi msa ms mya my nau na nav nv nbl nr
    nde nd ndo ng nep ne nld nl nno nn nob nb nor no nya ny oci oc oji oj ori or orm om oss os pan pa pli pi pol pl
    por pt pus ps que qu roh rm ron ro run rn rus ru sag sg san sa sin si slk sk slv sl sme se smo sm sna sn snd sd
    som so sot st spa es sqi sq srd sc srp sr ssw ss sun su swa sw swe sv tah ty tam ta tat tt tel te tgk tg tgl tl
    tha th tir ti ton to tsn tn tso ts tuk tk tur tr twi tw uig ug ukr uk urd ur uzb uz ven ve vie vi vol vo wln wa
    wol wo xho xh yid yi yor yo zha za zho zh zul zu alb sq arm hy baq eu bur my chi zh cze cs dut nl fre fr geo ka
    ger de gre el ice is mac mk mao mi may ms per fa rum ro slo sk tib bo wel cy
"""
#: Codes of three letters (ISO 639-2, both kinds) to those of two (ISO 639-1), which go before them (RFC 5646 §2.2.1).
TWO_LETTERS = dict(re.findall(r"(\w{3}) (\w\w)", _CODES))
#: Codes that stand in the place of a language and name none.
_NO_LANGUAGES = frozenset(("und", "mul", "mis", "zxx"))
#: What is longer nobody uses (RFC 5646 §4.4.1 thinks of 35), and need not be remembered.
_LONGEST_TAG = 64
_PRIMARY = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{1,8})*", re.IGNORECASE | re.ASCII)

_UNRESERVED = r"A-Za-z0-9\-._~\u00a0-\u200d\u2010-\u2029\u202f-\u2065\u206a-\ud7ff\uf900-\ufdcf\ufdf0-\uffef"
_PLANES = (
    "".join(f"{chr(plane << 16)}-{chr((plane << 16) + 0xFFFD)}" for plane in range(1, 14)) + "\U000e1000-\U000efffd"
)
_IN_HOST = r"A-Za-z0-9\-._~%\u00a1-\u1fff\u2c00-\ud7ff\uf900-\ufdcf\U00010000-\U0001fffd"
_WEB = re.compile(rf"(?i:https?)://(?:\[[0-9A-Fa-f:.]+\]|[{_IN_HOST}]+)(?::[0-9]{{1,5}})?(?=[/?\#]|\Z)")
_OTHER = re.compile(r"(?i:mailto|urn|tel|geo|did|doi|info|tag|oai):(?=[^/?\#])")
# One class of characters, looked for once: each such class takes milliseconds to compile.
_NOT_IN_IRI = re.compile(rf"[^{_UNRESERVED}{_PLANES}!$&'()*+,;=:@/?\#%]|%(?![0-9A-Fa-f]{{2}})|\#.*\#")

_ASCII = "".join(map(chr, range(128)))


def clean_text(text: str) -> str:
    """The text in NFC, with only the characters every output can carry, without white space at its ends."""
    if is_clean(text):
        return text
    text = _FORBIDDEN.sub("", _LINE_ENDS.sub("\n", text))
    return unicodedata.normalize("NFC", text).strip()


def is_clean(text: str) -> bool:
    """Whether ``clean_text`` would change nothing."""
    # Printable text, which most is, holds none of them; asking so takes a tenth of the time.
    allowed = text.isprintable() or not _FORBIDDEN.search(text)
    return allowed and unicodedata.is_normalized("NFC", text) and text == text.strip()


def clean_html(text: str) -> str:
    """HTML that may be shown on our pages: few tags, no styles, scripts, forms or images, absolute links only."""
    return nh3.clean(
        clean_text(text),
        tags=_TAGS,
        attributes={"a": {"href"}, "*": {"dir", "lang"}},
        url_schemes={"http", "https", "mailto"},
        attribute_filter=_keep_attribute,
        link_rel="noopener noreferrer nofollow ugc",
    )


def is_rtl(language: str) -> bool:
    """Whether the language is written from right to left; a script subtag (``az-Arab``) outranks the language."""
    subtags = language_tag(language).split("-")
    scripts = [subtag for subtag in subtags[1:3] if len(subtag) == 4 and subtag.isalpha()]
    return scripts[0] in _RTL_SCRIPTS if scripts else subtags[0] in _RTL_LANGUAGES


def valid_language_tag(tag: str) -> bool:
    """Whether the tag is well-formed (RFC 5646 §2.1); whether its subtags are registered is not looked up."""
    return _LANGUAGE_TAG.fullmatch(tag) is not None


def language_tag(tag: str) -> str:
    """The tag as we store and compare it: lower case, as the signed graphs need it, with hyphens."""
    return tag.strip().replace("_", "-").lower()


def shortest_tag(tag: str) -> str:
    """A tag in lower case whose language has its shortest code: ``fr-ca`` for ``fra-ca``."""
    primary, hyphen, rest = tag.partition("-")
    return f"{TWO_LETTERS.get(primary, primary)}{hyphen}{rest}"


def primary_language(tag: str) -> str:
    """The language that a tag begins with, by its shortest code; empty for what is no tag, or names no language."""
    return _primary_language(tag) if len(tag) <= _LONGEST_TAG else ""


@lru_cache(maxsize=1024)  # for the same few stand in record after record
def _primary_language(tag: str) -> str:
    found = _PRIMARY.fullmatch(tag)
    if found is None:
        return ""
    primary = found.group(1).lower()
    return "" if primary in _NO_LANGUAGES else TWO_LETTERS.get(primary, primary)


def valid_iri(text: str) -> bool:
    """Whether the text is an absolute IRI (RFC 3987) of a scheme that names or links something on purpose.

    ``javascript:``, ``data:`` and ``file:`` do not; what RDF parsers refuse (blanks, ``<>"{}|\\^```, a lone
    per cent sign) is refused.
    """
    begin = _WEB.match(text) or _OTHER.match(text)
    return begin is not None and is_clean(text) and not _NOT_IN_IRI.search(text, begin.end())


def uri_of(iri: str) -> str:
    """The URI that an IRI stands for (RFC 3987 §3.1), for what takes ASCII alone; ASCII stays as it is."""
    return iri if iri.isascii() else quote(iri, safe=_ASCII)


def host_of(address: str) -> str:
    """Host and port of an address; empty when it has none, or is none, such as ``https://[``."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "href":
        return value if re.match(r"(?:https?://|mailto:)", value.strip(), re.IGNORECASE) else None
    if attribute == "dir":
        return value if value.lower() in {"ltr", "rtl", "auto"} else None
    if attribute == "lang":
        return value if valid_language_tag(value) else None
    return value


def counting_number(text: str, most: int) -> int | None:
    """The whole number from 1 to ``most`` that a text writes in ASCII digits; None for any other text."""
    digits = text.lstrip("0")
    fine = digits.isascii() and digits.isdigit() and len(digits) <= len(str(most)) and int(digits) <= most
    return int(digits) if fine else None
