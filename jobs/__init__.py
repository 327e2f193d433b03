"""What a person or a scheduler runs: the `fairshard` command, one module per job."""
