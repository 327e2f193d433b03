"""The `fairshard` command."""

import sys
from collections.abc import Sequence
from contextlib import suppress

import typer

from jobs.session.answers import answer_failure, expect_none
from jobs.session.console import USAGE_ERROR, end_output, show_usage, take_any_text
from jobs.session.options import log
from transforms.base.errors import FairshardError
from transforms.base.logs import LOGGER

_UNEXPECTED = "this should not have happened: please report it"
_NO_THREAD = "can't start new thread"
_NO_ROOM = (
    "the system gives this process no more memory or threads: raise its limit (`ulimit -a`, or the "
    "container's), or use fewer workers, then run the same command again"
)


def application() -> typer.Typer:
    """The command, with a panel for each kind of command."""
    from jobs.begin import commands as begin
    from jobs.decide import commands as decide
    from jobs.look import commands as look
    from jobs.run import commands as run

    app = typer.Typer(
        help="Rebalance image-text corpora in webdataset shards: label, solve M4, resample.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    for panel in (begin, run, decide, look):
        app.add_typer(panel.app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command (None: the one of this process); errors end in one clear sentence."""
    take_any_text()
    log()
    expect_none()
    words = sys.argv[1:] if arguments is None else list(arguments)
    sys.exit(_exit_code(words))


def _exit_code(words: list[str]) -> int:
    failure: Exception
    try:
        return _run(words)
    except FairshardError as error:
        sentence, code, failure = str(error), error.exit_code, error
        LOGGER.error(sentence)
    except USAGE_ERROR as error:
        sentence, code, failure = error.format_message(), error.exit_code, error
        show_usage(error)
    except Exception as error:
        sentence, code, failure = _UNEXPECTED, 1, error
        if isinstance(error, MemoryError) or _NO_THREAD in str(error):
            sentence = _NO_ROOM
            LOGGER.error(sentence)
        else:
            LOGGER.critical(sentence, exc_info=True)
    with suppress(FairshardError):  # what failed is told
        answer_failure(words, sentence, code, failure)
        end_output()
    return code


def _run(words: list[str]) -> int:
    """The exit code of a command that fails of nothing unforeseen."""
    try:
        return int(application()(words, standalone_mode=False) or 0)
    except OSError:
        end_output("\n")
        raise
    finally:
        end_output()


if __name__ == "__main__":
    main()
