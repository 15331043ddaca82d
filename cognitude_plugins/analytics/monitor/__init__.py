"""A running gateway in a terminal."""
