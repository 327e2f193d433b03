"""Labels reduced to sufficient statistics, and what is measured on these."""
