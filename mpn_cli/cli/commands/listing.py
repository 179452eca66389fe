"""``mpn models``, ``mpn backends`` and ``mpn detectors``: what is available, and its origin."""

from __future__ import annotations

from typing import Any

from mpn_nms.plugins import Plugin, PluginError, Plugins

from mpn_cli.cli import console


def list_models(*, as_json: bool, quiet: bool = False) -> None:
    """Parameters and multiply-adds of each network, counted on its layers, beside the paper's."""
    from mpn_models.registry import MODELS

    if quiet and not as_json:
        print(*MODELS, sep="\n")
        return
    from mpn_models.counting import count_cost

    rows: list[dict[str, Any]] = []
    for model in MODELS.values():
        cost = count_cost(model.build(), model.input_size)
        rows.append(
            {
                "name": model.name,
                "joints": model.joints,
                "parameters": cost.parameters,
                "paper_parameters": round(model.paper_parameters * 1e6),
                "multiply_adds": cost.multiply_adds,
                "paper_way": round(cost.paper_gflops, 4),
                "paper_gflops": model.paper_gflops,
                "weights": model.weights.is_file(),
            }
        )
    if as_json:
        console.print_json({"models": rows})
        return
    table = console.make_table(
        "Pose networks (paper's figures in brackets)",
        ("name", "K", "params M", "MAC G", "paper's way", "weights"),
    )
    for row in rows:
        table.add_row(
            row["name"],
            str(row["joints"]),
            f"{row['parameters'] / 1e6:.3f} ({row['paper_parameters'] / 1e6:g})",
            f"{row['multiply_adds'] / 1e9:.3f}",
            f"{row['paper_way']:.3f} ({row['paper_gflops']:g})",
            "yes" if row["weights"] else "-",
        )
    console.print_table(table)
    console.stdout.print(
        "MAC G: multiply-adds / 10^9. Paper's way: multiply-adds / 2^20 / 1000.",
        highlight=False,
    )


def list_plugins(plugins: Plugins, title: str, *, as_json: bool, quiet: bool = False) -> None:
    """Every plug-in of a group: name, methods, device, distribution, and whether it loads."""
    if quiet and not as_json:
        print(*(plugin.name for plugin in plugins.all), sep="\n")
        return
    rows = [_describe(plugin) for plugin in plugins.all]
    if as_json:
        console.print_json({"plugins": rows})
        return
    table = console.make_table(title, ("name", "methods", "device", "from", "loads"), 5)
    for row in rows:
        origin = f"{row['distribution']} {row['version']}"
        table.add_row(row["name"], row["methods"], row["device"], origin, row["loads"])
    console.print_table(table)


def _describe(plugin: Plugin) -> dict[str, str]:
    row = {
        "name": plugin.name,
        "methods": "-",
        "device": "-",
        "distribution": plugin.distribution,
        "version": plugin.version,
        "loads": "yes",
    }
    try:
        loaded = plugin.loaded
    except PluginError as error:
        row["loads"] = str(error.__cause__).splitlines()[0] or "no"
    else:
        row["methods"] = ", ".join(getattr(loaded, "methods", ())) or "-"
        row["device"] = getattr(loaded, "device", "cpu")
    return row
