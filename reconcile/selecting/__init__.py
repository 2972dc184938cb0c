"""Selecting: which units a command is limited to, by address, kind, or what changed in git."""
