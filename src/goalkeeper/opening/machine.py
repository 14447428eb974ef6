"""The stack machine that reads a pickle: one implementation for looking and for loading.

It runs the opcodes of a pickle (protocols 0 to 5) and of the arrays that joblib writes between
them. What an opcode asks for is left to a builder: one builder writes down what would happen,
the other makes the objects. Both see the same opcodes with the same arguments, since both are
read here. Where Python's own readers disagree with one another (frames that end elsewhere than
they say, memo numbers out of range, lengths beyond the file), the file is refused.
"""

from __future__ import annotations

import struct
from typing import Any

from goalkeeper.opening.limits import Unreadable
from goalkeeper.opening.opcodes import OpcodeReader


class Machine(OpcodeReader):
    """Reads one pickle that begins at a place in `data`.

    Attributes
    ----------
    place
        Where the next byte is read; after `run` the end of the pickle.
    protocol
        The protocol that the pickle declares; 0 where it declares none.
    arrays
        Where raw floating-point numbers stand, as (first byte, end, bytes a number).
    """

    def run(self) -> Any:
        """Run every opcode up to STOP, and return what the pickle holds.

        Raises
        ------
        Unreadable
            The bytes are no pickle, or end too early.
        Refused
            The builder refuses what the pickle asks for.
        """
        try:
            return self.read()
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, struct.error) as error:
            raise Unreadable(f"it is not a pickle, or is cut off ({str(error)[:80]})") from error
