"""``slicer.i18n``: the host speaks the language of the source, so texts come back as they are."""


def translate(context, text):
    """Translate ``text``; the application decides, as in Slicer."""
    from slicer import app

    return app.translate(context, text)


def tr(text):
    """Translate a visible text of a scripted module."""
    return translate("", text)
