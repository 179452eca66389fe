"""The command line: the app, what is shown on the terminal, and one file per command."""
