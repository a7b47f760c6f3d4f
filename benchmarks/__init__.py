"""Measurements of the library against other ways of doing the same; see each module's --help."""
