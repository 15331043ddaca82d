"""The SQL database: reached from threads only, brought up to date at start-up."""
