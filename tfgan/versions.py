"""Versions of what decides the numbers."""

import contextlib
import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("tfgan", "tensorflow", "keras", "numpy", "Pillow", "scikit-learn")


def package_versions():
    """Versions of Python and of the packages that decide the numbers of a run."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions
