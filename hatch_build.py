"""Compiles the translations (.po to .mo) whenever the project is built or installed, editable or not."""

from pathlib import Path
from typing import Any  # the interface of hatchling leaves these values open

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CATALOGUES = "chm_node/web/translations/*/LC_MESSAGES/*.po"


class TranslationsBuildHook(BuildHookInterface[Any]):
    """Writes each .mo beside its .po and has it shipped, though version control ignores it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        for source in sorted(root.glob(CATALOGUES)):
            compiled = compile_catalogue(source)
            build_data["artifacts"].append(compiled.relative_to(root).as_posix())


def compile_catalogue(source: Path) -> Path:
    """Compile one message catalogue and give the path of the result; a syntax error stops the build."""
    target = source.with_suffix(".mo")
    with source.open("rb") as readable:
        catalogue = read_po(readable, locale=source.parent.parent.name, abort_invalid=True)
    with target.open("wb") as writable:
        write_mo(writable, catalogue)
    return target
