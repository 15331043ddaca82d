"""A process of its own, in which it is another day: nothing that asks for the time may be imported before that."""

from __future__ import annotations

import sys

from .clock import install

if __name__ == "__main__":
    clock = install()
    from .run import main

    sys.exit(main(clock))
