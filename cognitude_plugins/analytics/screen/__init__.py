"""Text for a terminal: drawings, tables, figures."""
