"""The errors that a user can cause, and cancelling."""


class InputError(ValueError):
    """The input or the usage is wrong; the text is one line that says what to do about it."""


class OutOfDomainError(InputError):
    """The image lies outside of what the model was made for.

    Attributes:
        reasons: one short sentence for each property that does not fit.
    """

    def __init__(self, message, reasons):
        super().__init__(message)
        self.reasons = tuple(reasons)


class Cancelled(Exception):
    """The user stopped the work; nothing was written."""
