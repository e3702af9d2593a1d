"""Long work as generators: they yield how far they are and return their result."""


def run_to_end(steps, progress=None):
    """Exhausts the generator ``steps`` and returns its result; ``progress`` is called with all it yields."""
    while True:
        try:
            update = next(steps)
        except StopIteration as stop:
            return stop.value
        if progress is not None:
            progress(update)


def mapped(steps, change):
    """Generator: ``steps`` with ``change`` applied to all it yields; returns what ``steps`` returns."""
    while True:
        try:
            update = next(steps)
        except StopIteration as stop:
            return stop.value
        yield change(update)
