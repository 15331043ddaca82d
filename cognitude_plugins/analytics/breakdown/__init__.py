"""What calls came to, group by group, and at a glance."""
