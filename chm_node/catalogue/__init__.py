"""Every record this node holds, and the log of changes, in commit order.

held        a record as a listing shows it; which records a filter lets pass
records     ``Catalogue``: reads records, listings, facets and counts
log         ``ChangeLog``: reads the log of changes and adds to it
pages       where the pages of the log begin
history     earlier versions of records, and what one node brought
current     what an addition to the log makes of records, facets, search index and unknown terms
erased      what is left of a record that was erased, or was withdrawn long ago
withdrawn   which records were withdrawn or erased
moves       records whose node has moved: what they are now
timeline    a stretch of a listing as feeds show it, withdrawals among the records

Writing needs a connection from ``chm_node.database.writing``, which holds the log's lock: the log
timestamp of a change is given out under that lock, so nobody who reads the log up to a timestamp
can ever miss an earlier change that is committed later.
"""

from chm_node.catalogue.held import COUNT_LIMIT, Filter, Held, Listing
from chm_node.catalogue.log import ChangeLog, LoggedChange, LogHead
from chm_node.catalogue.pages import PAGE_BYTES, PAGE_SIZE
from chm_node.catalogue.records import Catalogue
from chm_node.catalogue.withdrawn import Withdrawn, withdrawn_among

__all__ = [
    "COUNT_LIMIT",
    "PAGE_BYTES",
    "PAGE_SIZE",
    "Catalogue",
    "ChangeLog",
    "Filter",
    "Held",
    "Listing",
    "LogHead",
    "LoggedChange",
    "Withdrawn",
    "withdrawn_among",
]
