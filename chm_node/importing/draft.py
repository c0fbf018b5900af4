"""The values of one row while its columns are read: which field takes what, and what no field can hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chm_node.errors import Problem
from chm_node.schema import Field, LocalisedText, RecordType


@dataclass
class Draft:
    """Values by field, the column each came from, and notes: texts that stay texts."""

    record_type: RecordType
    values: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)  #: of columns that cannot be read in one way alone

    def __post_init__(self) -> None:
        self._fields: Mapping[str, Field] = {each.name: each for each in self.record_type.fields}

    def has(self, *names: str) -> bool:
        """Whether the record type has all of these fields."""
        return all(name in self._fields for name in names)

    def put(self, names: Sequence[str], value: Any, column: str) -> bool:  # Any: the value's shape is its kind's
        """Give the value to the first of these fields that the type has and that is still free."""
        for name in names:
            if name not in self._fields:
                continue
            if self._fields[name].many and not isinstance(self._fields[name], LocalisedText):
                self.values.setdefault(name, []).append(value)
            elif name in self.values:
                continue
            else:
                self.values[name] = value
            self.columns[name] = column
            return True
        return False

    def note(self, label: str, text: str) -> None:
        """Keep what no field holds, in words."""
        self.notes.append(f"{label}: {text}")
