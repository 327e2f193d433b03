"""The report: one page of pictures and tables."""
