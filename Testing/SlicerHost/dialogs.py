"""Message boxes, file dialogs and opened addresses that a test answers instead of a person.

Nothing is shown and nothing waits.  Each question is recorded; its answer is the
next one in the queue, or else what pressing Return would do: the accepting button
of a message box, and "cancelled" for a file dialog.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import qt
from PySide6.QtCore import Property


@dataclass(frozen=True)
class Message:
    """What a person would have read, and what was answered."""

    kind: str  # information, warning, critical, question, none, file, text, address
    text: str
    title: str = ""
    detail: str = ""
    buttons: tuple = ()
    answer: object = None


class Dialogs:
    """The record of all messages and the queue of answers."""

    def __init__(self):
        self.messages = []
        self.answers = deque()

    def clear(self):
        """Forget messages and unused answers, as between two tests."""
        self.messages.clear()
        self.answers.clear()

    def ask(self, kind, text, default, normalise=lambda answer: answer, **details):
        answer = normalise(self.answers.popleft() if self.answers else default)
        self.messages.append(Message(kind, text, answer=answer, **details))
        return answer


_KINDS = {
    "Information": "information",
    "Warning": "warning",
    "Critical": "critical",
    "Question": "question",
    "NoIcon": "none",
}
_GOING_ON = ("Ok", "Yes", "Save", "Open", "Retry")
_STOPPING = ("Cancel", "No", "Close", "Abort")
_ACCEPTING = _GOING_ON + _STOPPING


def _buttons(box):
    """Names of the buttons of a message box, and those buttons by name."""
    names = {}
    for button in box.buttons():
        standard = box.standardButton(button)
        name = standard.name if standard != qt.QMessageBox.NoButton else button.text.strip("&")
        names[name] = button
    return names or {"Ok": None}


def _answer_box(dialogs, box):
    """Answer a message box; returns what ``exec_()`` does."""
    buttons = _buttons(box)
    preset = next(
        (name for name, button in buttons.items() if button is not None and button is box.defaultButton()), None
    )
    default = preset or next((name for name in _ACCEPTING if name in buttons), next(iter(buttons)))

    def name_of(answer):
        if answer is True or answer is False:
            wanted = _GOING_ON if answer else _STOPPING
            answer = next((name for name in wanted if name in buttons), default)
        if answer not in buttons:
            raise ValueError(f"the message box '{box.text}' has no button {answer!r}, only {list(buttons)}")
        return answer

    chosen = dialogs.ask(
        _KINDS.get(box.icon.name, "none"),
        box.text,
        default,
        name_of,
        title=box.windowTitle.strip(),
        detail=box.detailedText,
        buttons=tuple(buttons),
    )
    button = buttons[chosen]
    if button is None:
        return qt.QMessageBox.Ok
    button.click()
    return box.standardButton(button)


def make_message_box_class(dialogs):
    """CTK's message box: Qt's, with a "don't show again" box that scripts can set."""

    class ctkMessageBox(qt.QMessageBox):
        def __init__(self, parent=None):
            super().__init__(parent)
            self._dont_show_again = False
            self._settings_key = ""

        def _set_dont_show_again(self, value):
            self._dont_show_again = bool(value)

        def _set_settings_key(self, value):
            self._settings_key = value

        dontShowAgain = Property(bool, lambda self: self._dont_show_again, _set_dont_show_again)
        dontShowAgainVisible = Property(bool, lambda self: bool(self._settings_key), lambda self, value: None)
        dontShowAgainSettingsKey = Property(str, lambda self: self._settings_key, _set_settings_key)

    return ctkMessageBox


def install(dialogs):
    """Let every dialog that waits for a person ask ``dialogs`` instead."""
    qt.QMessageBox.exec = qt.QMessageBox.exec_ = lambda self: _answer_box(dialogs, self)
    for name in ("information", "warning", "critical", "question"):
        setattr(qt.QMessageBox, name, staticmethod(_static_box(dialogs, name)))
    _install_file_dialogs(dialogs)
    _install_desktop_services(dialogs)
    qt.QInputDialog.getText = staticmethod(
        lambda parent=None, title="", label="", mode=None, text="", *rest: dialogs.ask("text", label, text, title=title)
    )


def _install_desktop_services(dialogs):
    """Nothing is opened; what would have been is recorded, and a test may answer that no program could."""
    qt.QDesktopServices.openUrl = staticmethod(lambda url: bool(dialogs.ask("address", url.toString(), url.isValid())))


def _static_box(dialogs, name):
    def ask(parent, title, text, buttons=None, default=None):
        box = qt.QMessageBox(parent)
        box.setIcon(getattr(qt.QMessageBox, name.capitalize()))
        box.setWindowTitle(title)
        box.setText(text)
        if buttons is None:
            buttons = qt.QMessageBox.Ok
            if name == "question":
                buttons = qt.QMessageBox.Yes | qt.QMessageBox.No
        box.setStandardButtons(buttons)
        if default is not None:
            box.setDefaultButton(default)
        return _answer_box(dialogs, box)

    return ask


def _install_file_dialogs(dialogs):
    """PythonQt's file dialogs return the path alone, and "" when cancelled."""

    def make(empty):
        def ask(parent=None, caption="", directory="", *rest):
            return dialogs.ask("file", caption, empty, detail=str(directory))

        return staticmethod(ask)

    for name in ("getOpenFileName", "getSaveFileName", "getExistingDirectory"):
        setattr(qt.QFileDialog, name, make(""))
    qt.QFileDialog.getOpenFileNames = make(())
    qt.QFileDialog.exec = qt.QFileDialog.exec_ = lambda self: int(bool(dialogs.ask("file", self.windowTitle, False)))
