"""The options and help of each command, without what runs it.

A command imports the module of its name in ``reconcile.cli`` when it is called, so that a page of
help loads neither the libraries nor most of our own code.
"""
