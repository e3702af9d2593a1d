"""Stand-ins for CTK's widgets that choose files and folders."""

from __future__ import annotations

from enum import IntFlag
from pathlib import Path

import qt
from PySide6.QtCore import Property, Signal


class ctkPathLineEdit(qt.QWidget):
    """A path, typed or browsed for, with a history kept in the settings."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    class Filter(IntFlag):
        Dirs = 0x001
        Files = 0x002
        Drives = 0x004
        NoSymLinks = 0x008
        NoDotAndDotDot = 0x6000
        Readable = 0x010
        Writable = 0x020
        Executable = 0x040
        Hidden = 0x100
        System = 0x200

    def __init__(self, *arguments):
        super().__init__(next((item for item in arguments if isinstance(item, qt.QWidget)), None))
        self._filters = int(self.Filter.Files | self.Filter.NoDotAndDotDot | self.Filter.Readable)
        self._name_filters = []
        self._setting_key = ""
        self._label = ""
        self._combo = qt.QComboBox(self)
        self._combo.setEditable(True)
        self._combo.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self._combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self._browse = qt.QToolButton(self)
        self._browse.setText("...")
        layout = qt.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._combo, 1)
        layout.addWidget(self._browse)
        self._last = ""
        self._combo.editTextChanged.connect(self._on_edited)
        self._browse.clicked.connect(lambda: self.browse())
        self.setFocusProxy(self._combo)

    def _on_edited(self, text):
        path = text.replace("\\", "/") if text else ""
        if path != self._last:
            self._last = path
            if path:  # CTK does not tell of an emptied line, which is no valid path
                self.currentPathChanged.emit(path)

    def setCurrentPath(self, path):
        self._combo.setEditText(str(path))

    def browse(self):
        """Ask for a file or a folder, as the button does."""
        if self._filters & self.Filter.Dirs and not self._filters & self.Filter.Files:
            path = qt.QFileDialog.getExistingDirectory(self, "Select a folder...", self._last)
        elif self._filters & self.Filter.Writable:
            path = qt.QFileDialog.getSaveFileName(self, "Save as...", self._last, ";;".join(self._name_filters))
        else:
            path = qt.QFileDialog.getOpenFileName(self, "Open a file...", self._last, ";;".join(self._name_filters))
        if path:
            self.setCurrentPath(path)

    def addCurrentPathToHistory(self):
        """Put the current path at the head of the history in the settings."""
        if not self._setting_key or not self._last:
            return
        history = [self._last] + [item for item in self._history() if item != self._last]
        qt.QSettings().setValue(self._setting_key, history[:10])
        self.retrieveHistory()

    def _history(self):
        value = qt.QSettings().value(self._setting_key)
        return [value] if isinstance(value, str) else list(value or [])

    def retrieveHistory(self):
        """Offer the paths of the history and show the latest, as CTK does."""
        history = self._history()
        shown = self._last
        self._combo.blockSignals(True)
        self._combo.clear()
        self._combo.addItems(history)
        self._combo.setEditText(shown)
        self._combo.blockSignals(False)
        if history and not shown:
            self.setCurrentPath(history[0])

    def _set_setting_key(self, key):
        self._setting_key = key
        self.retrieveHistory()

    def _set_filters(self, value):
        self._filters = int(value)

    def _set_name_filters(self, value):
        self._name_filters = list(value)

    def _set_label(self, value):
        self._label = value

    currentPath = Property(str, lambda self: self._last, setCurrentPath)
    filters = Property(int, lambda self: self._filters, _set_filters)
    nameFilters = Property("QStringList", lambda self: self._name_filters, _set_name_filters)
    settingKey = Property(str, lambda self: self._setting_key, _set_setting_key)
    label = Property(str, lambda self: self._label, _set_label)
    showBrowseButton = Property(
        bool, lambda self: not self._browse.isHidden(), lambda self, value: self._browse.setVisible(value)
    )
    showHistoryButton = Property(bool, lambda self: True, lambda self, value: None)
    sizeAdjustPolicy = Property(int, lambda self: 0, lambda self, value: None)


for _filter in ctkPathLineEdit.Filter:
    setattr(ctkPathLineEdit, _filter.name, _filter)


class ctkDirectoryButton(qt.QPushButton):
    """A button that shows a folder and asks for another one."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, *arguments):
        super().__init__(next((item for item in arguments if isinstance(item, qt.QWidget)), None))
        self._directory = ""
        self._caption = ""
        self.setDirectory(next((item for item in arguments if isinstance(item, str)), "."))
        self.clicked.connect(lambda: self.browse())

    def setDirectory(self, directory):
        directory = str(Path(str(directory)).absolute())
        changed = directory != self._directory
        self._directory = directory
        self.setText(directory)
        if changed:
            self.directoryChanged.emit(directory)

    def browse(self):
        path = qt.QFileDialog.getExistingDirectory(self, self._caption, self._directory)
        if path:
            self.setDirectory(path)
            self.directorySelected.emit(path)

    directory = Property(str, lambda self: self._directory, setDirectory)
    caption = Property(str, lambda self: self._caption, lambda self, value: setattr(self, "_caption", value))
