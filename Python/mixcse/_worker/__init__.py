"""The process that runs a plugin file: what the program `mixcse` starts in Python. Not for import by others."""
