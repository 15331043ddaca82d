"""What will be spent, from what was."""
