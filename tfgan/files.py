"""The folder in which the user's machine keeps what was expensive to make."""

import os
from pathlib import Path


def user_cache():
    """`$XDG_CACHE_HOME/tfgan`, by default `~/.cache/tfgan`; it need not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfgan"
