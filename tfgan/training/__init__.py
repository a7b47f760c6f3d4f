"""A run: its loop, its folder, its checkpoints, and what watches it."""
