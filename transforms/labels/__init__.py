"""Label tables, their records and rejects, and how they come about."""
