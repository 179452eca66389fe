"""One file a command, thin: options in, work called, results shown."""
