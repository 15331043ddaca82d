"""``python -m cognitude_plugins.gateway.cli`` is ``cognitude``."""

from . import main

main()
