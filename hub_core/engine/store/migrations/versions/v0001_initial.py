"""The first schema, and the job engine's own tables."""

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Carry out the SQL beside this file, as it is (no parameters, so "%" and ":" stay)."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute((Path(__file__).parent / "0001_initial.sql").read_text())
    cursor.execute(SchemaManager.get_schema())
