"""Hours that were unusual, and what they came from."""
