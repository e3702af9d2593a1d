"""Where module panels lie in the desktop: a scroll area of limited size, below the module selector."""

from __future__ import annotations

import qt

# What is left beside the views and above Data Probe on a screen of 1920 x 1080 pixels.
VIEWPORT = (420, 480)


class ModulePanel(qt.QScrollArea):
    """Shows the current module's panel; the panel gets the viewport's height, or its minimum where that is more.

    So a text that wraps gets no more height than its minimum says, as in the desktop.
    """

    def __init__(self):
        super().__init__()
        self.setObjectName("ModulePanel")
        self.setWidgetResizable(True)
        self.setFrameShape(qt.QFrame.NoFrame)
        contents = qt.QWidget()
        layout = qt.QVBoxLayout(contents)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setWidget(contents)
        self._current = None
        self.setAttribute(qt.Qt.WA_DontShowOnScreen, True)
        self.resize(*VIEWPORT)

    def setModule(self, previous, module):
        """Leave the panel of one module and enter that of another; either may be None."""
        if previous is not None:
            self._leave(previous.widgetRepresentation())
        if module is not None:
            self._enter(module.widgetRepresentation())

    def _leave(self, widget):
        widget.exit()
        if widget is self._current:
            self._current = None
            self.widget().layout().removeWidget(widget)
            widget.setVisible(False)
            widget.setParent(None)

    def _enter(self, widget):
        widget.layout().setContentsMargins(0, 0, 0, 0)
        self.place(widget)
        widget.enter()

    def place(self, widget):
        """Put a panel into the scroll area."""
        self.show()
        self.widget().layout().addWidget(widget, 1)
        widget.setSizePolicy(qt.QSizePolicy.Minimum, widget.sizePolicy.verticalPolicy())
        widget.setVisible(True)
        self._current = widget

    def current(self):
        """The panel that is shown, None when there is none."""
        return self._current
