"""How Keras finds the classes of a `.keras` file where `import tfgan` is all that was imported.

Keras finds a class by the name that the class's module registers, and the modules take as long to
import as TensorFlow. So each class has a stand-in, registered as soon as there is a Keras, that
imports the class when a file asks for it.
"""

import importlib
import importlib.abc
import sys


def register_when_keras_is_there(homes):
    """Registers the stand-ins, now or when somebody imports Keras.

    Args:
        homes: dict from the names of classes to the modules that register them with Keras.
    """
    if "keras" in sys.modules:
        register(sys.modules["keras"], homes)
    else:
        sys.meta_path.insert(0, _KerasFinder(homes))


def register(keras, homes):
    """Registers a stand-in for each class that is not there yet."""
    known = keras.saving.get_custom_objects()
    for name, module in homes.items():
        known.setdefault(f"tfgan>{name}", _stand_in(name, module))


def _stand_in(name, module):
    def from_config(config):
        return getattr(importlib.import_module(module), name).from_config(config)

    return type(name, (), {"from_config": staticmethod(from_config)})


class _KerasFinder(importlib.abc.MetaPathFinder):
    """Finds nothing by itself; a Keras that the others find registers when it has been imported."""

    def __init__(self, homes):
        self.homes = homes

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next(filter(None, found), None)
        if spec is not None:
            spec.loader = _RegisteringLoader(spec.loader, self)
        return spec


class _RegisteringLoader(importlib.abc.Loader):
    """Keras' own loader, and `register` after it."""

    def __init__(self, loader, finder):
        self.loader = loader
        self.finder = finder

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
        register(module, self.finder.homes)
