"""The contract that every attack and game owes the framework, for plug-ins to run on themselves."""

from goalkeeper.testing.worlds import Worlds, worlds_of

__all__ = ["Worlds", "worlds_of"]
