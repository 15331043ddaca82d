"""What is watched: rules, and whether they are broken."""
