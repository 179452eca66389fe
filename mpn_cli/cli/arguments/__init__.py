"""What each command takes from the command line, in Typer's terms, and its help.

A function here parses and hands on to the command of its name in ``mpn_cli.cli.commands``; nothing
heavy is imported. ``mpn_cli.cli.app`` puts them together.
"""
