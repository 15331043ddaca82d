"""What becomes of an alert, from the first broken rule to the last notice."""
