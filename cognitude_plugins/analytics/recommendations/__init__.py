"""What to change, and what that would have saved."""
