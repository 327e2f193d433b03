"""What spark-submit runs: the `fairshard` command, with the arguments that follow it."""

from jobs.cli import main

main()
