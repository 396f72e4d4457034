"""Line: production machines."""

from pipelines.line.registry import silver_line__machines

__all__ = ["silver_line__machines"]
