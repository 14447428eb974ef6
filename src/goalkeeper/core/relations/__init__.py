"""Relations between the columns of a table: read, evaluated, and restored where they are broken."""

from __future__ import annotations

from goalkeeper.core.relations.binding import BoundRelation, bind_relation
from goalkeeper.core.relations.relations import Relations
from goalkeeper.core.relations.syntax import parse_relation

__all__ = ["BoundRelation", "Relations", "bind_relation", "parse_relation"]
