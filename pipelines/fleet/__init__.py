"""Fleet: vehicles."""

from pipelines.fleet.registry import silver_fleet__vehicles

__all__ = ["silver_fleet__vehicles"]
