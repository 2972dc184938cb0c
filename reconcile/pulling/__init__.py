"""Manifests for records that exist: which records, what of them, and into which files."""
