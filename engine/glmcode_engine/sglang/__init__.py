"""The embedded SGLang engine: what can run where, and the command lines that start it."""
