"""Where module panels lie in the desktop: a scroll area of limited size, below the module selector."""

from __future__ import annotations

import contextlib

import qt

from .ctk_widgets import ctkCollapsibleButton

# What is left beside the views and above Data Probe on a screen of 1920 x 1080 pixels.
VIEWPORT = (420, 480)


class ModulePanel(qt.QScrollArea):
    """Shows the current module's panel; its layout and its limits are those of Slicer's panel."""

    def __init__(self):
        super().__init__()
        self.setObjectName("ModulePanel")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        self.setFrameShape(qt.QFrame.NoFrame)
        self._contents = qt.QWidget()
        self._layout = layout = qt.QVBoxLayout(self._contents)
        layout.setSizeConstraint(qt.QLayout.SetMinAndMaxSize)
        layout.setContentsMargins(0, 0, 0, 0)
        self._help = ctkCollapsibleButton("Help && Acknowledgement")
        self._help.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self._help.setCollapsed(True)
        layout.addWidget(self._help)
        layout.addItem(qt.QSpacerItem(0, 0, qt.QSizePolicy.Minimum, qt.QSizePolicy.MinimumExpanding))
        self.setWidget(self._contents)
        self._current = None
        self.setAttribute(qt.Qt.WA_DontShowOnScreen, True)
        self.resize(*VIEWPORT)

    def setModule(self, previous, module):
        """Leave the panel of one module and enter that of another; either may be None."""
        if previous is not None:
            widget = previous.widgetRepresentation()
            widget.exit()
            if widget is self._current:
                self._take(widget)
        if module is not None:
            widget = module.widgetRepresentation()
            widget.layout().setContentsMargins(0, 0, 0, 0)
            self._place(widget)
            widget.enter()

    def _take(self, widget):
        self._current = None
        self._layout.removeWidget(widget)
        widget.setVisible(False)
        widget.setParent(None)

    def _place(self, widget):
        self.setWidgetResizable(True)
        self.show()
        self._layout.insertWidget(1, widget, 1)
        widget.setSizePolicy(qt.QSizePolicy.Minimum, widget.sizePolicy.verticalPolicy())
        widget.setVisible(True)
        self._current = widget

    def current(self):
        """The panel that is shown, None when there is none."""
        return self._current

    @contextlib.contextmanager
    def lending(self, widget):
        """Take a panel out for a while, so that it can be drawn at a size of its own."""
        if widget is not self._current:
            yield
            return
        self._take(widget)
        try:
            yield
        finally:
            widget.hide()
            self._place(widget)

    def lay_out(self, width=VIEWPORT[0], height=VIEWPORT[1], squeezed=True):
        """Give the panel its size; as in the desktop it is as wide as its contents need.

        Qt gives the contents the height that their wrapping texts need at that width. Where the desktop was seen to
        give less, it gave the minimum, which does not count such lines: ``squeezed``.
        """
        needed = self._contents.minimumSizeHint.width() + self.style().pixelMetric(qt.QStyle.PM_ScrollBarExtent)
        self.setWidgetResizable(True)
        self.resize(max(width, needed), height)
        self.show()
        self._settle()
        if squeezed:
            self.setWidgetResizable(False)
            least = self._contents.minimumSizeHint.height()
            self._contents.resize(self.viewport().width, max(self.viewport().height, least))
            self._settle()

    @staticmethod
    def _settle():
        for _ in range(3):
            qt.QApplication.sendPostedEvents()
            qt.QApplication.processEvents()

    def picture(self, whole=False):
        """What is seen of the panel, or with ``whole`` all that one can scroll to."""
        return self._contents.grab() if whole else self.grab()


def faults(widget):
    """What is wrong with how a panel is laid out: neighbours that overlap, texts without room for their lines."""
    found = []
    for parent in [widget, *widget.findChildren(qt.QWidget)]:
        layout = parent.layout() if parent.isVisible() else None
        if layout is None:
            continue
        children = [child for child in _laid_out(layout) if child.isVisible()]
        for index, child in enumerate(children):
            found += [
                f"{_name(child)} overlaps {_name(other)}"
                for other in children[index + 1 :]
                if child.geometry.intersects(other.geometry)
            ]
            needed = child.heightForWidth(child.width) if child.layout() is None and child.hasHeightForWidth() else 0
            if child.height < needed:
                found.append(f"{_name(child)} is {child.height} pixels high and needs {needed}")
    return found


def _laid_out(layout):
    """The widgets of a layout and of those in it."""
    for index in range(layout.count()):
        item = layout.itemAt(index)
        if item.widget() is not None:
            yield item.widget()
        elif item.layout() is not None:
            yield from _laid_out(item.layout())


def _name(widget):
    text = str(widget.property("text") or "")
    return widget.objectName or f"{widget.className()} {text[:40]!r}"
