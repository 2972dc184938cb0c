"""Desired, actual and last-applied in; a plan out. Pure: nothing here fetches, prints or writes."""
