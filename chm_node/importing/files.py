"""Which reader a file needs."""

from pathlib import Path

from chm_node.errors import ChmError, ParseError
from chm_node.importing.found import Contents
from chm_node.importing.rdf import read_statements, records_in
from chm_node.importing.table import read_table
from chm_node.record_types import RECORD_TYPES
from chm_node.sandbox import Sandbox
from chm_node.schema import RecordType
from chm_node.settings import Settings


def read_file(path: Path, settings: Settings, sandbox: Sandbox, assumed: RecordType | None = None) -> Contents:
    """The records of a file, by its extension. Raises ParseError when the file as a whole cannot be read."""
    try:
        if path.suffix.lower() == ".csv":
            return Contents(read_table(path.read_bytes(), settings, assumed))
        return records_in(read_statements(path, settings, sandbox), settings, assumed)
    except OSError as error:
        raise ParseError(f"{path}: {error.strerror}") from error
    except ParseError as error:
        raise ParseError(f"{path}: {error}") from error


def type_named(name: str) -> RecordType:
    """The record type a person asks for; raises ChmError."""
    if name not in RECORD_TYPES:
        raise ChmError(f"{name!r} is not a record type; choose one of {', '.join(sorted(RECORD_TYPES))}")
    return RECORD_TYPES[name]
