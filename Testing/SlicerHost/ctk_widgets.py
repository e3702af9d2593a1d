"""Stand-ins for the CTK widgets that scripted modules use, as real Qt composites.

Property and signal names are those of CTK's headers, so ``.ui`` files and
``connect("valueChanged(double)", ...)`` work as they are.
"""

from __future__ import annotations

import math
import types

import qt
from PySide6.QtCore import Property, Signal

from .ctk_combo_boxes import ctkCheckableComboBox, ctkComboBox
from .ctk_paths import ctkDirectoryButton, ctkPathLineEdit

# A slider counts steps in whole numbers; this is as many as one needs on screen.
_MOST_STEPS = 100000


class ctkCollapsibleButton(qt.QWidget):
    """A headed section that hides its contents when collapsed."""

    contentsCollapsed = Signal(bool)
    toggled = Signal(bool)
    clicked = Signal(bool)

    HEAD = 24

    def __init__(self, *arguments):
        text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        parent = next((item for item in arguments if isinstance(item, qt.QWidget)), None)
        super().__init__(parent)
        self._text = text
        self._collapsed = False
        self._hidden_here = []
        self.setContentsMargins(1, self.HEAD + 1, 1, 1)
        self.setSizePolicy(qt.QSizePolicy.Preferred, qt.QSizePolicy.Preferred)

    def getText(self):
        return self._text

    def setText(self, text):
        self._text = text
        self.update()

    def isCollapsed(self):
        return self._collapsed

    def setCollapsed(self, collapsed):
        """Hide or show the contents; those hidden by the module stay hidden."""
        if bool(collapsed) == self._collapsed:
            return
        self._collapsed = bool(collapsed)
        self._show_contents(not self._collapsed)
        self.update()
        self.updateGeometry()
        self.contentsCollapsed.emit(self._collapsed)
        self.toggled.emit(not self._collapsed)

    def hideCollapsedContents(self):
        """Hide what was put in after the section collapsed, as .ui files do."""
        if self._collapsed:
            self._show_contents(False)

    def _show_contents(self, visible):
        if visible:
            hidden, self._hidden_here = self._hidden_here, []
            for child in self.children():
                child.removeEventFilter(self)
            for child in hidden:
                child.setVisible(True)
            return
        for child in self.children():
            if isinstance(child, qt.QWidget):
                child.installEventFilter(self)
                if not child.isHidden():
                    self._hide(child)

    def _hide(self, child):
        """Hide a child until the section opens."""
        self._hidden_here.append(child)
        child.setVisible(False)
        child.installEventFilter(self)

    def eventFilter(self, child, event):
        """A child that the module shows meanwhile waits for the section to open."""
        if self._collapsed and event.type() == qt.QEvent.ShowToParent:
            if child not in self._hidden_here:
                self._hidden_here.append(child)
            child.setVisible(False)
        return False

    def childEvent(self, event):
        if event.type() == qt.QEvent.ChildPolished and self._collapsed:
            child = event.child()
            if isinstance(child, qt.QWidget) and not child.isHidden():
                self._hide(child)
        super().childEvent(event)

    def sizeHint(self):
        hint = super().sizeHint
        width = max(hint.width(), self.fontMetrics().horizontalAdvance(self._text) + 40)
        return qt.QSize(width, self._height(hint.height()))

    def minimumSizeHint(self):
        hint = super().minimumSizeHint
        return qt.QSize(max(hint.width(), 40), self._height(hint.height()))

    def _height(self, contents):
        return self.HEAD if self._collapsed else max(contents, self.HEAD)

    def mousePressEvent(self, event):
        if event.position().y() <= self.HEAD:
            self.click()

    def click(self):
        self.setCollapsed(not self._collapsed)
        self.clicked.emit(not self._collapsed)

    def paintEvent(self, event):
        painter = qt.QPainter(self)
        painter.setRenderHint(qt.QPainter.Antialiasing)
        palette = self.palette
        edge = palette.color(qt.QPalette.Mid)
        head = qt.QRectF(0.5, 0.5, self.width - 1, self.HEAD - 1)
        if not self._collapsed:
            painter.setPen(edge)
            painter.drawRoundedRect(qt.QRectF(0.5, 0.5, self.width - 1, self.height - 1), 3, 3)
        painter.setPen(edge)
        painter.setBrush(palette.color(qt.QPalette.Button))
        painter.drawRoundedRect(head, 3, 3)
        self._paint_arrow(painter, palette.color(qt.QPalette.ButtonText))
        painter.setPen(
            palette.color(qt.QPalette.Active if self.enabled else qt.QPalette.Disabled, qt.QPalette.ButtonText)
        )
        painter.drawText(
            head.adjusted(24, 0, 0, 0), qt.Qt.AlignVCenter | qt.Qt.AlignLeft, self._text.replace("&&", "&")
        )
        painter.end()

    def _paint_arrow(self, painter, colour):
        middle = self.HEAD / 2
        if self._collapsed:
            corners = [(9, middle - 4), (9, middle + 4), (14, middle)]
        else:
            corners = [(7, middle - 2.5), (15, middle - 2.5), (11, middle + 2.5)]
        painter.setPen(qt.Qt.NoPen)
        brush = painter.brush()
        painter.setBrush(colour)
        painter.drawPolygon(qt.QPolygonF([qt.QPointF(x, y) for x, y in corners]))
        painter.setBrush(brush)

    text = Property(str, getText, setText)
    collapsed = Property(bool, isCollapsed, setCollapsed)
    # The checked state of the button is the opposite of "collapsed", as in CTK.
    checked = Property(bool, lambda self: not self._collapsed, lambda self, value: self.setCollapsed(not value))
    flat = Property(bool, lambda self: False, lambda self, value: None)
    collapsedHeight = Property(int, lambda self: 10, lambda self, value: None)


class ctkCollapsibleGroupBox(qt.QGroupBox):
    """A group box that folds when its title is unticked."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._fold)

    def _fold(self, checked):
        for child in self.children():
            if isinstance(child, qt.QWidget):
                child.setVisible(checked)

    collapsed = Property(bool, lambda self: not self.isChecked(), lambda self, value: self.setChecked(not value))


class ctkDoubleSpinBox(qt.QDoubleSpinBox):
    """CTK's spin box; infinite limits become the widest that Qt takes."""

    decimalsChanged = Signal(int)

    def setMinimum(self, value):
        super().setMinimum(_finite(value))

    def setMaximum(self, value):
        super().setMaximum(_finite(value))


def _finite(value):
    return max(-1e15, min(1e15, float(value))) if math.isinf(value) else float(value)


class ctkSliderWidget(qt.QWidget):
    """A slider and a spin box that show one number."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._value = 0.0
        self._minimum, self._maximum, self._step = 0.0, 99.0, 1.0
        self._slider = qt.QSlider(qt.Qt.Horizontal, self)
        self._spin_box = qt.QDoubleSpinBox(self)
        self._spin_box.setObjectName("")
        layout = qt.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._spin_box)
        self._update_range()
        self._slider.valueChanged.connect(self._on_slider)
        self._spin_box.valueChanged.connect(self.setValue)

    def _steps(self):
        span = (self._maximum - self._minimum) / self._step if self._step else 1
        return max(1, min(_MOST_STEPS, round(span)))

    def _update_range(self):
        for part in (self._slider, self._spin_box):
            part.blockSignals(True)
        self._slider.setRange(0, self._steps())
        self._spin_box.setRange(self._minimum, self._maximum)
        self._spin_box.setSingleStep(self._step)
        for part in (self._slider, self._spin_box):
            part.blockSignals(False)
        self._show(self._value)

    def _show(self, value):
        span = self._maximum - self._minimum
        fraction = (value - self._minimum) / span if span else 0
        self._slider.blockSignals(True)
        self._slider.setValue(round(fraction * self._steps()))
        self._slider.blockSignals(False)
        self._spin_box.blockSignals(True)
        self._spin_box.setValue(value)
        self._spin_box.blockSignals(False)

    def _on_slider(self, position):
        self.setValue(self._minimum + position * (self._maximum - self._minimum) / self._steps())

    def setValue(self, value):
        value = max(self._minimum, min(self._maximum, float(value)))
        value = round(value, self._spin_box.decimals)
        changed = value != self._value
        self._value = value
        self._show(value)
        if changed:
            self.valueChanged.emit(value)

    def setMinimum(self, value):
        self.setRange(value, max(value, self._maximum))

    def setMaximum(self, value):
        self.setRange(min(value, self._minimum), value)

    def setRange(self, minimum, maximum):
        self._minimum, self._maximum = float(minimum), float(maximum)
        self._update_range()
        self.setValue(self._value)

    def setSingleStep(self, value):
        self._step = float(value)
        self._update_range()

    def setDecimals(self, value):
        self._spin_box.setDecimals(value)
        self.decimalsChanged.emit(value)

    def reset(self):
        self.setValue(0)

    def slider(self):
        return self._slider

    def spinBox(self):
        return self._spin_box

    value = Property(float, lambda self: self._value, setValue, notify=valueChanged)
    minimum = Property(float, lambda self: self._minimum, setMinimum)
    maximum = Property(float, lambda self: self._maximum, setMaximum)
    singleStep = Property(float, lambda self: self._step, setSingleStep)
    pageStep = Property(float, lambda self: self._step * 10, lambda self, value: None)
    decimals = Property(int, lambda self: self._spin_box.decimals, setDecimals)
    suffix = Property(str, lambda self: self._spin_box.suffix, lambda self, value: self._spin_box.setSuffix(value))
    prefix = Property(str, lambda self: self._spin_box.prefix, lambda self, value: self._spin_box.setPrefix(value))
    tracking = Property(bool, lambda self: self._slider.tracking, lambda self, value: self._slider.setTracking(value))
    spinBoxVisible = Property(
        bool, lambda self: not self._spin_box.isHidden(), lambda self, value: self._spin_box.setVisible(value)
    )


class ctkDoubleSlider(ctkSliderWidget):
    """The slider alone."""

    def __init__(self, *arguments):
        super().__init__(next((a for a in arguments if isinstance(a, qt.QWidget)), None))
        self._spin_box.setVisible(False)


class ctkRangeWidget(qt.QWidget):
    """Two spin boxes that hold the ends of a range."""

    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._low, self._high = ctkDoubleSpinBox(self), ctkDoubleSpinBox(self)
        layout = qt.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._low, 1)
        layout.addWidget(qt.QLabel("\u2013", self))
        layout.addWidget(self._high, 1)
        self.setRange(0, 99)
        self.setValues(0, 99)
        self._low.valueChanged.connect(lambda value: self.setValues(value, self._high.value))
        self._high.valueChanged.connect(lambda value: self.setValues(self._low.value, value))

    def setRange(self, minimum, maximum):
        for box in (self._low, self._high):
            box.setRange(minimum, maximum)
        self.rangeChanged.emit(minimum, maximum)

    def setValues(self, low, high):
        """Set both ends; they are put in order."""
        low, high = min(low, high), max(low, high)
        for box, value in ((self._low, low), (self._high, high)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self.minimumValueChanged.emit(low)
        self.maximumValueChanged.emit(high)
        self.valuesChanged.emit(low, high)

    def _limit(self, name):
        return getattr(self._low, name)

    def _set_limit(self, name, value):
        for box in (self._low, self._high):
            setattr(box, name, value)

    minimumValue = Property(
        float, lambda self: self._low.value, lambda self, value: self.setValues(value, self._high.value)
    )
    maximumValue = Property(
        float, lambda self: self._high.value, lambda self, value: self.setValues(self._low.value, value)
    )
    minimum = Property(
        float, lambda self: self._limit("minimum"), lambda self, value: self._set_limit("minimum", value)
    )
    maximum = Property(
        float, lambda self: self._limit("maximum"), lambda self, value: self._set_limit("maximum", value)
    )
    decimals = Property(
        int, lambda self: self._limit("decimals"), lambda self, value: self._set_limit("decimals", value)
    )
    singleStep = Property(
        float, lambda self: self._limit("singleStep"), lambda self, value: self._set_limit("singleStep", value)
    )


class ctkCheckBox(qt.QCheckBox):
    """CTK's check box is Qt's with icons."""


class ctkCheckablePushButton(qt.QPushButton):
    """A push button that can carry a check box."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._controls_button = False

    checkBoxControlsButtonToggleState = Property(
        bool, lambda self: self._controls_button, lambda self, value: setattr(self, "_controls_button", bool(value))
    )


class ctkSearchBox(qt.QLineEdit):
    """A line edit that asks for a search word."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setPlaceholderText("Search...")


CTK_CLASSES = (
    ctkCheckBox,
    ctkCheckableComboBox,
    ctkCheckablePushButton,
    ctkCollapsibleButton,
    ctkCollapsibleGroupBox,
    ctkComboBox,
    ctkDirectoryButton,
    ctkDoubleSlider,
    ctkDoubleSpinBox,
    ctkPathLineEdit,
    ctkRangeWidget,
    ctkSearchBox,
    ctkSliderWidget,
)


def build_ctk_module():
    """The module that scripts import as ``ctk``."""
    ctk = types.ModuleType("ctk", "The CTK widgets that scripted modules use.")
    for cls in CTK_CLASSES:
        setattr(ctk, cls.__name__, cls)
    return ctk
