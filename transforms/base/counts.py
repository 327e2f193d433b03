"""Numbers of things in words: `1 shard`, `2,000 shards`."""


def counted(number: int, thing: str, things: str | None = None) -> str:
    """So many things; `things` is their plural where it is not `thing` with an s."""
    return f"{number:,} {named(number, thing, things)}"


def named(number: int, thing: str, things: str | None = None) -> str:
    """What so many things are called: a `shard`, else `shards`."""
    return thing if number == 1 else things or f"{thing}s"
