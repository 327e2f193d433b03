"""The input of a run: its shards, and what its patterns match besides."""

from rich.console import Console

from jobs.session.console import say
from transforms.config.sections import Config
from transforms.shards.finding import Found
from transforms.shards.inputs import found_apart
from transforms.shards.left_out import in_words


def input_of(config: Config, console: Console, found: Found | None = None) -> Found:
    """The shards of `config` (or `found` before); a line says what is left out, if anything is."""
    found = found or found_apart(config)
    if found.left_out:
        say(console, in_words(found.left_out))
    return found
