"""The specification of the profile: its examples are made by the code, and what it names is what the code has."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyoxigraph as ox
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient

from chm_node import backoff, erasure, foreign, http_guard, limits, message_signatures
from chm_node.app import MAX_REQUEST_BYTES, create_app
from chm_node.catalogue import PAGE_BYTES, PAGE_SIZE, ChangeLog
from chm_node.database import open_database, reading
from chm_node.formats import log, quads
from chm_node.namespaces import PROFILE, RECEIPTS
from chm_node.proofs import DATA_INTEGRITY_CONTEXT
from chm_node.publishing import publish, record_iri, withdraw
from chm_node.record import Tombstone, activity_iri
from chm_node.record_types import RECORD_TYPES
from chm_node.resource_lists import CHANGES, PART_SIZE
from chm_node.settings import Settings
from chm_node.signing import load_signer
from chm_node.web import conditional, hub, problems
from chm_node.websub import intents, subscribers, wishes
from harvest import (
    compare,
    description,
    dump,
    equivocation,
    hints,
    members,
    origins,
    page,
    plan,
    receipts,
    schedule,
    trust,
    vouching,
    withheld,
)
from harvest.adapters import ldes
from harvest.checker.checks import SECTIONS
from harvest.joining import notification, outbox, requests, told
from harvest.joining import web as joining
from harvest.joining.refusals import REFUSALS
from harvest.reasons import REASONS

SPECIFICATION = Path(__file__).parents[2] / "docs" / "specification" / "profile.md"
EXAMPLES = SPECIFICATION.parent / "examples"
BASE, HUB = "https://dz.example/", "https://hub.example/"
BEGINNING = datetime(2026, 11, 22, 3, 22, 8, 14_000, tzinfo=UTC)
#: RFC 8032, section 7.1, test 1: a key that everybody knows.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
MIB = 1024 * 1024

FILES = (
    "record.nq", "record.sha256", "record.jsonld", "proof-options.nq", "worked-example.json", "tombstone.nq",
    "log-root.trig", "page.nq", "page.trig", "hub-change.trig", "node.ttl", "offer.json", "offer.headers",
)  # fmt: skip

LIMITS = {
    "hops before the peer": f"{trust.MAX_HOPS}",
    "canonical N-Quads of a record": f"{limits.MAX_RECORD_BYTES // 1024} KiB",
    "statements of a record": f"{limits.MAX_RECORD_STATEMENTS:,}",
    "version ahead of the hub's clock": f"{trust.CLOCK_TOLERANCE // timedelta(minutes=1)} minutes",
    "changes on a page, as numbered": f"{PAGE_SIZE}, or {PAGE_BYTES // MIB} MiB",
    "pages in a range": f"{log.RANGE_SIZE}",
    "a page, in any syntax": f"{page.MAX_PAGE_BYTES // MIB} MiB",
    "pages of one log in one walk": f"{ldes.MAX_PAGES:,}",
    "statements of any document": f"{foreign.MAX_QUADS:,}",
    "a line of a document": f"{foreign.MAX_LINE_BYTES // 1024} KiB",
    "a literal": f"{foreign.MAX_LITERAL_BYTES // 1024} KiB",
    "an IRI": f"{foreign.MAX_IRI_CHARACTERS:,} characters",
    "nesting of a document": f"{foreign.MAX_DEPTH} levels",
    "digits of a number": f"{foreign.MAX_DIGITS}",
    "redirects": f"{http_guard.FetchPolicy().max_redirects}",
    "time for one answer": f"{http_guard.FetchPolicy().deadline.seconds} seconds",
    "any answer, decompressed": f"{http_guard.FetchPolicy().max_body_bytes // MIB} MiB",
    "a dump": f"{dump.MAX_BYTES // MIB // 1024} GiB",
    "a dump, decompressed": f"{dump.MAX_TEXT_BYTES // MIB // 1024} GiB",
    "age of a dump that is used": f"{dump.MAX_AGE.days} days",
    "records from which a dump is used": f"{dump.FEWEST_RECORDS:,}",
    "entries in a part of the resource list": f"{PART_SIZE:,}",
    "documents of one resource list": f"{compare.MAX_DOCUMENTS}",
    "changes in the change list": f"{CHANGES:,}",
    "receipts on a page": f"{receipts.PAGE}",
    "a topic or callback of WebSub": f"{wishes.MAX_ADDRESS_CHARACTERS:,} characters",
    "a secret of WebSub": f"{wishes.MAX_SECRET_BYTES} bytes",
    "shortest lease of a subscriber": f"{wishes.SHORTEST_LEASE // timedelta(minutes=1)} minutes",
    "usual lease of a subscriber": f"{wishes.USUAL_LEASE.days} days",
    "longest lease of a subscriber": f"{wishes.LONGEST_LEASE.days} days",
    "subscribers and intents": f"{intents.MAX_IN_ALL:,}",
    "the same, of one callback host": f"{intents.MAX_OF_A_HOST}",
    "intents of one callback host": f"{intents.MAX_UNCONFIRMED_OF_A_HOST}",
    "time to confirm an intent": f"{intents.LASTS // timedelta(minutes=1)} minutes",
    "requests of one client to the WebSub hub": f"{hub.REQUESTS_A_MINUTE:.0f} a minute",
    "longest wait before a subscriber is tried again": f"{subscribers.LONGEST_WAIT // timedelta(minutes=1)} minutes",
    "a notification of a WebSub hub": f"{MAX_REQUEST_BYTES // MIB} MiB",
    "harvests that hints bring about, one after another": f"{hints.IN_A_ROW}",
    "time between them in the long run": f"{hints.INTERVAL.seconds} seconds",
    "a notification to the inbox": f"{notification.MAX_BYTES // 1024} KiB",
    "from `created` to `expires` of a request's signature": (
        f"{message_signatures.LONGEST_LIFE // timedelta(minutes=1)} minutes"
    ),
    "difference of two clocks, for a signed request": f"{message_signatures.CLOCK_TOLERANCE.seconds} seconds",
    "notifications from one address in a minute": f"{joining.A_MINUTE}",
    "offers of strangers that wait to be proven": f"{requests.MAX_QUEUED}",
    "of these, from one host": f"{requests.MAX_QUEUED_HOST}",
    "offers that wait for a person": f"{requests.MAX_WAITING}",
    "former keys of a node": f"{description.MAX_KEYS}",
    "time that an answer or a new key is sent again": f"{outbox.KEEP_TRYING.days} days",
    "withdrawals that never wait": f"{plan.ALWAYS_PLAUSIBLE}",
    "share of withdrawals that never waits": f"{Settings(base_url=BASE).max_withdrawal_share:.0%}",
    "time between comparisons": f"{compare.INTERVAL.days} days",
    "members of one hub": f"{members.MAX_MEMBERS:,}",
    "members asked in one run": f"{vouching.MOST_ASKED}",
    "time for asking members, about second texts, for a sample, or for members' lists, in one run": (
        f"{origins.LONGEST_ASKING // timedelta(minutes=1)} minutes"
    ),
    "time until a member is asked again": f"{members.ASKED_AGAIN.days} day",
    "second texts asked about in one run": f"{equivocation.MOST_ASKED}",
    "time until an owner is asked again about one": f"{equivocation.ASKED_AGAIN.days} day",
    "share of the records in a sample": f"{origins.Sampling().share:.0%}",
    "records in a sample": f"{origins.MOST_SAMPLED}",
    "members whose lists are compared in one check": f"{withheld.MOST_COMPARED}",
    "earlier versions of a withdrawn record": f"{erasure.GRACE.days} days",
    "polling interval": f"{Settings(base_url=BASE).poll_minutes:.0f} minutes",
    "spread of the polling interval": f"{schedule.SPREAD:.0%}",
    "first wait after a failure": f"{backoff.FIRST_WAIT.seconds} seconds",
    "longest wait": f"{backoff.LONGEST_WAIT // timedelta(hours=1)} hours",
}


@dataclass(frozen=True)
class Made:
    """What the code makes of the example records."""

    files: dict[str, bytes]
    client: FlaskClient


@pytest.fixture(scope="module")
def text() -> str:
    return SPECIFICATION.read_text()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A node with a known key, and three records published, revised and withdrawn at known times."""
    folder = tmp_path_factory.mktemp("specification")
    settings = Settings(
        base_url=BASE, data_dir=folder, country="DZ", contact="chm@dz.example", publisher="Ministère de l'exemple",
        titles={"en": "Clearing-house of Algeria", "fr": "Centre d'échange de l'Algérie"}, languages=["fr", "en"],
    )  # fmt: skip
    write_key(settings.key_file)
    signer = load_signer(settings.key_file, f"{settings.node_iri}#key")
    app = create_app(settings)
    engine = open_database(settings.database)
    fill(engine, settings, signer)
    client = app.test_client()
    with reading(engine) as connection:
        changes = ChangeLog(connection).page(1)
    yield Made(examples(client, changes, signer), client)
    engine.dispose()
    app.extensions["chm"].engine.dispose()


def write_key(path):
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    kind = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))
    path.chmod(0o600)


def fill(engine, settings, signer):
    iris = {
        name: record_iri(settings, name, UUID(int=number)) for number, name in enumerate(("event", "news"), start=1)
    }
    workshop = {
        "title": {"ar": "ورشة عمل", "en": "Workshop on \"PCBs\"", "fr": "Atelier sur les PCB"},
        "starts": "2026-12-01", "licence": "https://creativecommons.org/licenses/by/4.0/",
        "coverage": ["https://w3id.org/chm/vocabulary/countries/DZ"],
    }  # fmt: skip
    steps = (
        RECORD_TYPES["event"].record(iris["event"], {**workshop, "title": {"en": "Workshop"}}),
        RECORD_TYPES["news"].record(iris["news"], {"title": {"en": "A notice"}}),
        RECORD_TYPES["event"].record(iris["event"], workshop),
    )
    for number, record in enumerate(steps):
        list(publish(engine, settings, signer, [record], BEGINNING + timedelta(hours=number)))
    withdraw(
        engine, settings, signer, Tombstone(iris["news"], "news", {"en": "Published twice."}, iris["event"]),
        BEGINNING + timedelta(hours=3),
    )  # fmt: skip
    later = RECORD_TYPES["news"].record(record_iri(settings, "news", UUID(int=3)), {"title": {"en": "Workshop opened"}})
    list(publish(engine, settings, signer, [later], BEGINNING + timedelta(hours=4)))


def examples(client, changes, signer):
    """The example files by name."""
    update, delete, _ = changes
    path, gone = (each.graph.iri.removeprefix(BASE) for each in (update, delete))
    record = client.get(f"/{path}.nq").data
    proof = json.loads(client.get(f"/{path}.jsonld").data)["proof"]
    options = canonical_options(proof)
    return {
        "record.nq": record,
        "record.sha256": f"{hashlib.sha256(record).hexdigest()}\n".encode(),
        "record.jsonld": client.get(f"/{path}.jsonld").data,
        "proof-options.nq": options,
        "worked-example.json": worked_example(record, options, proof, signer),
        "tombstone.nq": client.get(f"/{gone}.nq").data,
        "log-root.trig": client.get("/feed.trig").data,
        "page.nq": client.get("/feed/1/1.nq").data,
        "page.trig": client.get("/feed/1/1.trig").data,
        "hub-change.trig": hub_change(update),
        "node.ttl": client.get("/node.ttl").data,
        "offer.json": offer().body(),
        "offer.headers": "".join(f"{name}: {value}\n" for name, value in signed_offer(signer).items()).encode(),
    }


def offer():
    node = f"{BASE}node"
    return notification.Notification("Offer", "urn:uuid:00000000-0000-4000-8000-000000000001", node, node, f"{HUB}node")


def signed_offer(signer):
    headers = {"Content-Type": notification.MEDIA_TYPE}
    unsigned = message_signatures.Message("POST", f"{HUB}inbox", headers, offer().body())
    return message_signatures.sign(unsigned, signer, BEGINNING, "cb3e7bd6f1d44b2c").headers


def hub_change(change):
    """The same version in the log of a further hub, which had it from a hub."""
    first = "https://region.example/"
    logged = type(change)(
        seq=1,
        log_time=change.log_time + timedelta(minutes=20),
        graph=change.graph,
        hops=(f"{BASE}node", f"{first}node"),
        derived_from=activity_iri(first, change.log_time + timedelta(minutes=10)),
    )
    return quads.trig(log.member_graphs(HUB, logged))


def canonical_options(proof):
    """The proof options as RDFC-1.0 canonicalises them, by way of JSON-LD and not of our own shortcut."""
    stated = {each: value for each, value in proof.items() if each != "proofValue"}
    document = json.dumps({"@context": DATA_INTEGRITY_CONTEXT, **stated}).encode()
    return canonical(foreign.read_rdf(document, "application/ld+json", BASE))


def canonical(statements):
    dataset = ox.Dataset(statements)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return "".join(sorted(f"{quad} .\n" for quad in dataset)).encode()


def worked_example(record, options, proof, signer):
    signature = signer.key.sign(hashlib.sha256(options).digest() + hashlib.sha256(record).digest())
    stated = {
        "secretKeyHex": SEED.hex(),
        "publicKeyHex": signer.key.public_key().public_bytes_raw().hex(),
        "publicKeyMultibase": signer.multikey,
        "proofOptionsHashHex": hashlib.sha256(options).hexdigest(),
        "recordHashHex": hashlib.sha256(record).hexdigest(),
        "signatureHex": signature.hex(),
        "proofValue": proof["proofValue"],
    }
    return json.dumps(stated, indent=1).encode() + b"\n"


@pytest.mark.parametrize("name", FILES)
def test_the_example_is_what_the_code_makes(made, name, update_golden):
    if update_golden:
        (EXAMPLES / name).write_bytes(made.files[name])
    assert (EXAMPLES / name).read_text() == made.files[name].decode()


def test_there_are_no_other_examples_and_each_is_named(made, text):
    assert sorted(each.name for each in EXAMPLES.iterdir()) == sorted(made.files)
    assert [name for name in FILES if f"(examples/{name})" not in text] == []


def test_hash_and_signature_of_the_example_hold():
    """Read from the files alone, with nothing of the code that signs."""
    stated = json.loads((EXAMPLES / "worked-example.json").read_text())
    record, options = ((EXAMPLES / name).read_bytes() for name in ("record.nq", "proof-options.nq"))
    document = json.loads((EXAMPLES / "record.jsonld").read_text())
    proof = document.pop("proof")
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(stated["secretKeyHex"])).public_key()

    assert canonical(ox.parse(json.dumps({"@graph": document["@graph"]}), ox.RdfFormat.JSON_LD)) == record
    assert (EXAMPLES / "record.sha256").read_text().strip() == hashlib.sha256(record).hexdigest()
    assert canonical_options(proof) == options
    assert base58(stated["publicKeyMultibase"]) == b"\xed\x01" + key.public_bytes_raw()
    assert base58(proof["proofValue"]).hex() == stated["signatureHex"]
    key.verify(base58(proof["proofValue"]), hashlib.sha256(options).digest() + hashlib.sha256(record).digest())


def base58(multibase):
    number = 0
    for character in multibase.removeprefix("z"):
        number = number * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(character)
    return number.to_bytes((number.bit_length() + 7) // 8)


def test_the_canonical_form_escapes_what_the_text_says():
    short = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", '"': r"\"", "\\": r"\\"}
    coded = {*range(8), 0x0B, *range(0x0E, 0x20), 0x7F, 0xFFFE, 0xFFFF}
    for character in map(chr, [*range(0x250), 0x2028, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F33F]):
        expected = f"\\u{ord(character):04X}" if ord(character) in coded else short.get(character, character)
        assert str(ox.Literal(character)) == f'"{expected}"'


def test_both_syntaxes_of_the_page_state_the_same_and_hold_the_signed_bytes():
    read = {
        syntax: canonical(ox.parse((EXAMPLES / name).read_bytes(), syntax))
        for name, syntax in (("page.nq", ox.RdfFormat.N_QUADS), ("page.trig", ox.RdfFormat.TRIG))
    }
    assert len(set(read.values())) == 1
    page_text = (EXAMPLES / "page.trig").read_text()
    assert f"{{\n{(EXAMPLES / 'record.nq').read_text()}}}\n" in page_text
    assert f"{{\n{(EXAMPLES / 'tombstone.nq').read_text()}}}\n" in page_text
    assert f"{{\n{(EXAMPLES / 'record.nq').read_text()}}}\n" in (EXAMPLES / "hub-change.trig").read_text()


@pytest.mark.parametrize(
    ("name", "media_type"), [("page.nq", "application/n-quads"), ("page.trig", "application/trig")]
)
def test_a_hub_takes_over_what_the_pages_say(name, media_type):
    stated = json.loads((EXAMPLES / "worked-example.json").read_text())
    peer = trust.Authority(f"{BASE}node", f"{BASE}id/", stated["publicKeyMultibase"])
    powers = trust.Powers(f"{HUB}node", f"{HUB}id/", peer, {})
    data, now = (EXAMPLES / name).read_bytes(), BEGINNING + timedelta(days=1)
    found = page.read_page(data, media_type, f"{BASE}feed/1/1", powers, now, frozenset())
    assert [each.verdict for each in found.judged] == [trust.Verdict.ACCEPTED] * 3


def test_every_value_of_the_worked_example_in_the_text_is_that_of_the_file(text):
    values = set(json.loads((EXAMPLES / "worked-example.json").read_text()).values())
    named = set(re.findall(r"\b(?:[0-9a-f]{64,128}|z[1-9A-Za-z]{40,})\b", text))
    assert named <= values
    assert len(named) == len(values)


def rows(text, heading):
    """The cells of the first table below a heading, without its head."""
    below = text.split(f"{heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table
    lines = [line.strip().strip("|") for line in table[0].splitlines()]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


def test_every_limit_is_that_of_the_code(text):
    assert {row[0]: row[1] for row in rows(text, "## Annex B. Limits")} == LIMITS


def test_every_reason_code_is_listed_with_its_sentence(text):
    refused = {f"`{each.value}`": sentences["en"] for each, sentences in REASONS.items()}
    assert {each for each in trust.Verdict if each.refused} == set(REASONS)
    assert dict(rows(text, "### Refused")) == refused
    dropped = {f"`{each.value}`" for each in trust.Verdict if each.dropped}
    assert {row[0] for row in rows(text, "### Passed over")} == dropped


def test_every_problem_type_named_is_one_of_the_code(text):
    listed = {(row[0], name) for row in rows(text, "### Errors") for name in re.findall(r"`([a-z-]+)`", row[1])}
    known = {(str(int(status)), name) for status, name in problems.STATUSES.values()}
    assert listed <= known | {("404", "not-found"), ("500", "unexpected")}
    assert problems.PROBLEMS in text


def test_every_refusal_of_a_notification_is_listed_with_its_sentence(text):
    listed = [
        (int(row[0]), *re.findall(r"`([a-z-]+)`", row[1]), row[2]) for row in rows(text, "### Notifications refused")
    ]
    assert listed == [(int(each.status), name, each.sentences["en"]) for name, each in REFUSALS.items()]


def test_the_states_of_a_request_are_those_of_the_code(text):
    assert ", ".join(f"`{each}`" for each in told.STATES) in text
    assert told.STATES == (
        requests.QUEUED, requests.WAITING, requests.APPROVED, requests.REJECTED, requests.REFUSED, requests.WITHDRAWN,
    )  # fmt: skip


def test_the_signature_of_the_example_holds():
    headers = dict(line.split(": ", 1) for line in (EXAMPLES / "offer.headers").read_text().splitlines())
    message = message_signatures.Message("POST", f"{HUB}inbox", headers, (EXAMPLES / "offer.json").read_bytes())
    stated = message_signatures.read_signature(message, BEGINNING)
    assert stated.key_id == f"{BASE}node#key"
    key = json.loads((EXAMPLES / "worked-example.json").read_text())["publicKeyMultibase"]
    assert message_signatures.is_signed_by(message, key)
    said = notification.read_notification(message.body)
    assert (said.kind, said.actor, said.object, said.target) == ("Offer", f"{BASE}node", f"{BASE}node", f"{HUB}node")


def test_caching_is_as_stated(made, text):
    assert f"`{conditional.OPEN}`" in text
    assert f"`{conditional.CLOSED}`" in text
    plain = made.client.get("/feed/1/1.nq")
    assert re.fullmatch('"[0-9a-f]{32}"', plain.headers["ETag"])
    zipped = made.client.get("/feed/1/1.nq", headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["ETag"] == plain.headers["ETag"][:-1] + '-gz"'
    again = made.client.get("/feed/1/1.nq", headers={"If-None-Match": plain.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert made.client.get("/feed/0/1").status_code == 301


def test_the_sections_that_the_checker_cites_exist(text):
    cited = {number for where in SECTIONS.values() for number in re.findall(r"Profile 1\.0, section ([\d.]+)", where)}
    assert cited
    assert {number for number in cited if f"\n### {number} " not in text} == set()


def test_the_names_of_the_profile_are_those_of_the_code(text):
    assert f"`{PROFILE}`" in text
    assert f"`{RECEIPTS}`" in text
    assert f"sha-256=:{base64.b64encode(hashlib.sha256(b'').digest()).decode()}:" in text
