"""How to walk one protocol each: yields documents, decides nothing.

An adapter is a function; a further one comes with an installed package under the entry point ``harvest.adapters``.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from types import MappingProxyType

from chm_node.errors import SettingsError
from harvest.adapters import ldes
from harvest.sources import Source
from harvest.visit import Document, Visit

#: Yields the documents that may hold something new, oldest first. It ends, whatever the peer links to what, and
#: raises FetchError or ParseError when it cannot go on.
Adapter = Callable[[Source, Visit], Iterator[Document]]

_BUILT_IN: Mapping[str, Adapter] = {"ldes": ldes.walk}


def load() -> Mapping[str, Adapter]:
    """The adapters by name; raises SettingsError when a name is taken or names no function."""
    adapters = dict(_BUILT_IN)
    for point in sorted(entry_points(group="harvest.adapters"), key=lambda point: point.name):
        found = point.load()
        if point.name in adapters or not callable(found):
            raise SettingsError(f"the entry point {point.name} ({point.value}) is no adapter, or its name is taken")
        adapters[point.name] = found
    return MappingProxyType(adapters)


ADAPTERS = load()
