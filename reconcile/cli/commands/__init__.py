"""What can be typed: each command's options and help, and nothing of what carries it out.

A command imports the module of its name in ``reconcile.cli`` when it is called, so that a page of
help loads neither the libraries nor most of our own code.
"""
