"""How canonical values are kept in SQL: one meaning in SQLite and PostgreSQL (catalogue.md)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Date, DateTime, Integer, LargeBinary, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from feedengine.model.instants import instant_text
from feedengine.model.scalars import Kept, decimal_text


class CanonicalText(TypeDecorator[str]):
    """Text ordered by code point on every database, so that exports are equal everywhere."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        """PostgreSQL needs the collation said; SQLite orders by bytes anyway."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Text(collation="C"))  # type: ignore[no-any-return]
        return dialect.type_descriptor(Text())  # type: ignore[no-any-return]


class CanonicalInstant(TypeDecorator[datetime]):
    """An instant in UTC: ``TIMESTAMPTZ``, in SQLite text of fixed width (catalogue.md)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        """SQLite keeps the canonical text."""
        kept = Text() if dialect.name == "sqlite" else DateTime(timezone=True)
        return dialect.type_descriptor(kept)  # type: ignore[no-any-return]

    def process_bind_param(self, value: Any, _dialect: Any) -> Any:
        """A `datetime` becomes canonical text; text passes, it is canonical already."""
        return instant_text(value) if isinstance(value, datetime) else value

    def process_result_value(self, value: Any, _dialect: Any) -> Any:
        """People who query through the models get an aware `datetime`."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


class CanonicalDecimal(TypeDecorator[Decimal]):
    """An exact decimal: ``NUMERIC``, in SQLite plain text without trailing zeros."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        """SQLite has no exact decimals, so text it is."""
        kept = Text() if dialect.name == "sqlite" else Numeric()
        return dialect.type_descriptor(kept)  # type: ignore[no-any-return]

    def process_bind_param(self, value: Any, _dialect: Any) -> Any:
        """A `Decimal` becomes canonical text."""
        return decimal_text(value) if isinstance(value, Decimal) else value

    def process_result_value(self, value: Any, _dialect: Any) -> Any:
        """People who query through the models get a `Decimal`."""
        return Decimal(value) if isinstance(value, str) else value


class CanonicalDate(TypeDecorator[date]):
    """A date; in SQLite text ``YYYY-MM-DD``."""

    impl = Date
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Any) -> Any:
        """Canonical text is turned into the `date` that drivers expect."""
        return date.fromisoformat(value) if isinstance(value, str) else value

    def process_result_value(self, value: Any, _dialect: Any) -> Any:
        """People who query through the models get a `date`."""
        return date.fromisoformat(value) if isinstance(value, str) else value


SQL_TYPES: dict[Kept, TypeEngine[Any]] = {
    "text": CanonicalText(),
    # 64 bits everywhere; SQLite wants the plain word to make a key the row's own number.
    "whole": BigInteger().with_variant(Integer(), "sqlite"),
    "decimal": CanonicalDecimal(),
    "date": CanonicalDate(),
    "instant": CanonicalInstant(),
    "bytes": LargeBinary(),
}
"""How a column's values are kept → its type in SQL."""
