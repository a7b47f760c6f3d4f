"""The report of `python -m tfgan.evaluate`: what goes in, and the page that comes out."""
