"""The nouns of the product: frozen data and pure functions. Nothing here does I/O."""
