"""Alembic's entry: connects with the URL it is handed and lets one process migrate at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text

url: str = context.config.attributes["url"]
engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=pool.NullPool)
with engine.connect() as connection:
    # Freed with the transaction; a second process waits here and then finds nothing left to do.
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(4851001)"))
        context.run_migrations()
