"""The `fairshard` command."""

import sys
from collections.abc import Sequence

import typer

from jobs.session.console import end_output, take_any_text
from jobs.session.options import log
from transforms.base.errors import FairshardError
from transforms.base.logs import LOGGER
from transforms.stages.registrations import load_balancers, load_registrations

_NO_THREAD = "can't start new thread"
_NO_ROOM = (
    "the system gives this process no more memory or threads: raise its limit (`ulimit -a`, or the "
    "container's), or use fewer workers, then run the same command again"
)


def application() -> typer.Typer:
    """The command, whose help names what can be added: that is loaded before its panels are."""
    load_registrations()
    load_balancers()
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
    try:
        try:
            application()(arguments)
        except OSError:
            end_output("\n")
            raise
        finally:
            end_output()
    except FairshardError as error:
        LOGGER.error(str(error))
        sys.exit(error.exit_code)
    except Exception as error:
        if isinstance(error, MemoryError) or _NO_THREAD in str(error):
            LOGGER.error(_NO_ROOM)
            sys.exit(1)
        LOGGER.critical("this should not have happened: please report it", exc_info=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
