"""Models as SavedModels, and as the files of other runtimes."""


def __getattr__(name):
    # TensorFlow takes seconds to import; cards and folders are read without it.
    if name == "export_saved_model":
        from tfgan.export.saved_model import export_saved_model

        return export_saved_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
