"""Protocols of the papers: how a method is trained and tested several times, and whether a difference is one."""
