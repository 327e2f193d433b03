"""Where the `fairshard` command begins, before all that it imports: Control-C ends it quietly."""

import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command of this process."""
    try:
        from jobs.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
