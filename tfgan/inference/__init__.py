"""Trained models, on the disk or at a server, and what is drawn with them."""
