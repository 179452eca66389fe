"""One thin module per command: it takes the options, calls the work and shows the results."""
