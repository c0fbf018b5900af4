"""Imported by a reading child before it is closed in: whatever it will need a file for is read here."""

import gc

import harvest.checker.reading
import harvest.description
import harvest.joining.told
import harvest.page
import harvest.resource_list
import harvest.standing
from chm_node.foreign import read_rdf
from chm_node.search.analyser import document_text
from chm_node.vocabulary import vocabularies

__all__ = ["harvest"]

# All vocabularies and all stemmers, or the first record of each kind would fail for want of a file.
vocabularies().fetch()
document_text([("word", language) for language in ("ar", "en", "es", "fr", "ru", "zh")])
# The JSON-LD context that proofs use.
read_rdf(b'{"@context": "https://w3id.org/security/data-integrity/v2"}', "application/ld+json", "urn:chm:preload")

# What was read stays, and no page leaves cycles behind worth looking for; a child is replaced long before they add up.
gc.freeze()
gc.disable()
