"""``mpn fetch``: known networks, into the user's cache."""

from __future__ import annotations

from mpn_cli.base.errors import InputError
from mpn_cli.cli import console
from mpn_cli.networks.fetching import Entry, fetch, read_catalogue


def fetch_network(name: str | None, *, quiet: bool, as_json: bool) -> None:
    """Fetch one, or list all. Raises InputError."""
    entries = read_catalogue()
    if name is None:
        _show_all(list(entries.values()), as_json=as_json)
        return
    if name not in entries:
        raise InputError(f"no network named {name}; known: {', '.join(entries)}")
    entry = entries[name]
    with console.progress(
        f"fetch {name} (kB)", entry.bytes // 1000, quiet=quiet or as_json
    ) as advance:
        file = fetch(entry, lambda there: advance(there // 1000, ""))
    if as_json:
        console.print_json({"name": name, "file": str(file), "option": entry.option})
    elif not quiet:
        console.print_note(f"{file}; use it with")
        print(entry.option)


def _show_all(entries: list[Entry], *, as_json: bool) -> None:
    if as_json:
        console.print_json(
            {
                "networks": [
                    {
                        "name": e.name,
                        "kind": e.kind,
                        "url": e.url,
                        "sha256": e.sha256,
                        "bytes": e.bytes,
                        "licence": e.licence,
                        "about": e.about,
                        "fetched": e.file.is_file(),
                        "option": e.option,
                    }
                    for e in entries
                ]
            }
        )
        return
    table = console.make_table("Known networks", ("name", "for", "MB", "licence", "fetched"), 5)
    for entry in entries:
        fetched = "yes" if entry.file.is_file() else "-"
        table.add_row(entry.name, entry.kind, f"{entry.bytes / 1e6:.0f}", entry.licence, fetched)
    console.print_table(table)
    for entry in entries:
        console.stdout.print(f"{entry.name}: {entry.about}", highlight=False)
