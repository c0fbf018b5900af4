"""Alembic migrations: each release knows how to bring an older database up to its own schema."""

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from chm_node.errors import SettingsError


def migrate(engine: Engine, found: str) -> None:
    """Bring the database to this release's schema, in one transaction.

    Raises SettingsError when the database is newer than this release, or of another program.
    """
    folder = resources.files(__name__)
    known = {path.name.split("_")[0] for path in (folder / "versions").iterdir() if path.name.endswith(".py")}
    if found and not found.isdigit():
        raise SettingsError("database_url: the database belongs to another program; make one for this node alone")
    if found and found not in known:
        raise SettingsError(
            f"database_url: the database was written by a newer release (schema {found}); upgrade this one"
        )
    config = Config()
    config.set_main_option("script_location", str(folder))
    with engine.connect().execution_options(chm_writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
