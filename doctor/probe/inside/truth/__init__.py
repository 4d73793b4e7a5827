"""Holds a loaded model against its checkpoint, in the process that has it. Standard library and the model's own torch; Python 3.8 and newer."""

from .inspection import inspect, joined

__all__ = ["inspect", "joined"]
