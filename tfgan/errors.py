"""What is said of what the caller passed, as opposed to a defect of ours."""


class InputError(ValueError):
    """A mistake in what the caller passed, in one line: what was received and what to do.

    The commands print its message and exit with status 2; every other exception is a defect and
    keeps its traceback.
    """


class InputWarning(UserWarning):
    """What the caller should know of what was passed, in one line; the work goes on.

    The commands print its message after `note: `.
    """
