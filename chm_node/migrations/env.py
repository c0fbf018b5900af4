"""Alembic's entry point: run on the connection that ``chm_node.migrations.migrate`` holds."""

from alembic import context

from chm_node.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
