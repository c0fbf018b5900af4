"""Imported by a reading child before it is closed in: whatever it will need a file for is read here."""

import gc

import harvest.description
import harvest.page
import harvest.resource_list
from chm_node.search.analyser import document_text
from chm_node.vocabulary import vocabularies

__all__ = ["harvest"]

# All vocabularies and all stemmers, or the first record of each kind would fail for want of a file.
vocabularies().term("")
document_text([("word", language) for language in ("ar", "en", "es", "fr", "ru", "zh")])

# What was read stays, and no page leaves cycles behind worth looking for; a child is replaced long before they add up.
gc.freeze()
gc.disable()
