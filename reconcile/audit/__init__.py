"""The audit log: append-only, hash-chained, with the values beside it where they can be erased.

The chain names what happened: who, when, why, which records and fields, and salted digests of the
values. The values and the salts lie in blobs of their own, so that erasing them leaves every link
of the chain as it was, and nothing in the chain then tells what they were.
"""
