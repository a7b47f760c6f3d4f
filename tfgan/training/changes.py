"""What differs between a run and how it is to go on, and whether its weights allow that."""

import dataclasses

FINGERPRINT = "fingerprint of the pictures"

# What decides which networks there are, and what their inputs and outputs mean.
_OF_NETWORKS = {
    *("model", "networks", "width", "latent_dim", "depth", "kernel_size", "stride"),
    *("output_kernel_size", "normalization", "activation"),
    *("condition", "conditioning", "categories", "task", "image_shape"),
}
# A rate that stays and one that falls are not stored alike.
_OF_SCHEDULES = ("constant_steps", "decay_steps")

# Characters of a value in a message.
_LONGEST = 80


@dataclasses.dataclass(frozen=True)
class Changes:
    """How settings differ from those of a run; false where they do not.

    Attributes:
        values: By the names of settings, before and after.
        images: Which images differ, in words; "" where that is not known.
    """

    values: dict = dataclasses.field(default_factory=dict)
    images: str = ""

    def __bool__(self):
        return bool(self.values)

    def __str__(self):
        return _in_words(self.values, self.images)

    @property
    def impossible(self):
        """Those with which the weights cannot go on, in words; "" where there are none."""
        return _in_words(
            {
                name: (before, after)
                for name, (before, after) in self.values.items()
                if name in _OF_NETWORKS
                or (name in _OF_SCHEDULES and (before is None) != (after is None))
            }
        )


def changes_between(earlier, now, former_fingerprint=None, earlier_files=None, files=None):
    """Compares the settings of a run with others.

    Images are compared by their contents. Where these are equal it makes no difference what
    their folder is called.

    Args:
        earlier, now: settings, dicts.
        former_fingerprint: what earlier versions took for that of the images.
        earlier_files, files: a hash of each of the images' files by its name, or None.

    Returns:
        `Changes`.
    """
    earlier, now = dict(earlier), dict(now)
    if earlier.get(FINGERPRINT) in (now.get(FINGERPRINT), former_fingerprint):
        for settings in (earlier, now):
            settings.pop(FINGERPRINT, None)
            settings.pop("dataset", None)
        for name in ("domain_a", "domain_b"):
            if _parts(earlier.get(name)) == _parts(now.get(name)):
                earlier[name] = now.get(name)
        if "categories" not in earlier:
            # Of an earlier version: they follow from the images.
            now.pop("categories", None)
    values = {
        name: (earlier.get(name), now.get(name))
        for name in sorted(earlier.keys() | now.keys())
        if earlier.get(name) != now.get(name)
    }
    return Changes(values, _changed_files(earlier_files, files) if FINGERPRINT in values else "")


def _parts(domain):
    """What stands behind the colons of a domain, which may begin with the path of a folder."""
    return None if domain is None else str(domain).split(":")[1:]


def _changed_files(earlier, now):
    """Which files differ, in words; "" where one side is not known."""
    if not earlier or not now:
        return ""
    kinds = {
        "changed": [name for name in now if name in earlier and now[name] != earlier[name]],
        "added": [name for name in now if name not in earlier],
        "missing": [name for name in earlier if name not in now],
    }
    return ", ".join(
        f"{len(names)} {kind} (such as {names[0]!r})" for kind, names in kinds.items() if names
    )


def _in_words(values, images=""):
    words = {
        name: f"{name} {_short(before)} -> {_short(after)}"
        for name, (before, after) in values.items()
    }
    if images:
        words[FINGERPRINT] = f"images: {images}"
    if "categories" in values and values["categories"][0] is None:
        words["categories"] = "categories, which an earlier version did not record"
    return "; ".join(words.values())


def _short(value):
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
