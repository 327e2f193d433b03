"""Draw who imports whom among the rooms, from the code, into docs/architecture.md: `make docs`."""

import re
from pathlib import Path

import grimp

PAGE = Path(__file__).with_name("architecture.md")
_ROOTS = ("transforms", "pipelines", "jobs", "fairshard")
_DRAWN = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)

Rooms = dict[str, set[str]]


def rooms() -> Rooms:
    """Each room, and the rooms that it imports as it runs."""
    graph = grimp.build_graph(*_ROOTS, exclude_type_checking_imports=True)
    found: Rooms = {}
    for module in sorted(graph.modules):
        imported = map(_room_of, graph.find_modules_directly_imported_by(module))
        found.setdefault(_room_of(module), set()).update(imported)
    loose = set(_ROOTS)
    return {room: known - loose - {room} for room, known in found.items() if room not in loose}


def reduced(graph: Rooms) -> Rooms:
    """The same without what follows: no arrow from a room to what those that it imports reach."""
    return {
        room: {to for to in known if not any(to in _reached(graph, via) for via in known - {to})}
        for room, known in graph.items()
    }


def drawn(graph: Rooms) -> str:
    """The graph as a Mermaid flowchart, a box for each package."""
    lines = ["```mermaid", "flowchart BT"]
    for root in _ROOTS:
        inside = [room for room in graph if room.partition("/")[0] == root]
        lines.append(f"  subgraph {root}")
        lines += [f"    {_id(room)}[{room.partition('/')[2]}]" for room in inside]
        lines.append("  end")
    lines += [f"  {_id(room)} --> {_id(to)}" for room in graph for to in sorted(graph[room])]
    return "\n".join([*lines, "```", ""])


def page() -> str:
    """The page, its picture drawn anew."""
    picture = drawn(reduced(rooms()))
    return _DRAWN.sub(lambda _: picture, PAGE.read_text(encoding="utf-8"), count=1)


def _room_of(module: str) -> str:
    return "/".join(module.split(".")[:2])


def _id(room: str) -> str:
    return room.replace("/", "_")


def _reached(graph: Rooms, room: str) -> set[str]:
    found: set[str] = set()
    coming = [room]
    while coming:
        for to in graph[coming.pop()] - found:
            found.add(to)
            coming.append(to)
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
