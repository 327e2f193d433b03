"""What spark-submit runs: the `fairshard` command, with the arguments that follow it."""

from jobs.cli import main

if __name__ == "__main__":  # processes that the command starts import this file
    main()
