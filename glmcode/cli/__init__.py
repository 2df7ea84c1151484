"""The command line: parsing, and one module a command."""
