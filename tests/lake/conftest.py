"""Tests of the lake ask both engines."""

from tests.engines.sessions import apache_spark, sail

__all__ = ["apache_spark", "sail"]
