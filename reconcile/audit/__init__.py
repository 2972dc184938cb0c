"""The audit log: append-only and hash-chained, with erasable values beside it.

The chain says who changed which fields of which records, when and why, with salted digests of the
values. The values and their salts lie in separate blobs. Erasing these leaves the chain unchanged,
and nothing in it then reveals the values.
"""
