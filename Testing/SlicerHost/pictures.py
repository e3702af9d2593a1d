"""Pictures of panels and of the views, for people and for tests to look at."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import qt
import slicer

from . import plot_views, slice_views, table_views


def prepare_style(application):
    """One light look everywhere, and letters even where the machine has no fonts."""
    application.setStyle("Fusion")
    if not qt.QFontDatabase.families():
        _add_bundled_fonts()
    families = qt.QFontDatabase.families()
    wanted = next(
        (name for name in ("DejaVu Sans", "Noto Sans", "Liberation Sans") if name in families),
        application.font().family(),
    )
    application.setFont(qt.QFont(wanted, 9))
    application.setPalette(_light_palette())


def _add_bundled_fonts():
    """The DejaVu fonts that come with matplotlib."""
    found = importlib.util.find_spec("matplotlib")
    if found is None:
        return
    for path in Path(found.origin).parent.glob("mpl-data/fonts/ttf/DejaVuSans*.ttf"):
        qt.QFontDatabase.addApplicationFont(str(path))


def _light_palette():
    palette = qt.QPalette()
    colours = {
        "Window": "#f0f0f0",
        "WindowText": "#1c1c1c",
        "Base": "#ffffff",
        "AlternateBase": "#f5f5f5",
        "Text": "#1c1c1c",
        "Button": "#e6e6e6",
        "ButtonText": "#1c1c1c",
        "ToolTipBase": "#ffffdc",
        "ToolTipText": "#1c1c1c",
        "Highlight": "#3874b8",
        "HighlightedText": "#ffffff",
        "PlaceholderText": "#7a7a7a",
        "Mid": "#b4b4b4",
        "Link": "#1d5fa8",
    }
    for name, colour in colours.items():
        palette.setColor(getattr(qt.QPalette, name), qt.QColor(colour))
    for name in ("WindowText", "Text", "ButtonText"):
        palette.setColor(qt.QPalette.Disabled, getattr(qt.QPalette, name), qt.QColor("#9a9a9a"))
    return palette


def grab_widget(widget, path, width=480):
    """Draw a panel at ``width`` pixels and the height that it needs; returns the path."""
    widget = getattr(widget, "parent", widget) if not isinstance(widget, qt.QWidget) else widget
    with slicer.util.mainWindow().modulePanel().lending(widget):
        widget.setAttribute(qt.Qt.WA_DontShowOnScreen, True)
        widget.resize(width, 100)
        widget.show()
        _settle()
        layout = widget.layout()
        height = layout.totalHeightForWidth(width) if layout and layout.hasHeightForWidth() else 0
        widget.resize(
            width,
            max(height, widget.sizeHint.height() if not callable(widget.sizeHint) else widget.sizeHint().height()),
        )
        _settle()
        return save(widget.grab(), path)


def save(picture, path):
    """Write a picture to a file; returns the path."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if not picture.save(str(path)):
        raise OSError(f"the picture could not be written: {path}")
    return Path(path)


def _settle():
    for _ in range(3):
        qt.QApplication.sendPostedEvents()
        qt.QApplication.processEvents()


def to_image(pixels):
    """A QImage of uint8 RGB pixels, (height, width, 3)."""
    pixels = np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    image = qt.QImage(pixels.data, width, height, 3 * width, qt.QImage.Format_RGB888)
    return image.copy()  # the array may go


def capture_layout(manager, path, size=(1600, 900), bars=True, fit=False):
    """Draw the slice, plot and table views of the current layout as they lie side by side; returns the path.

    Above each slice view lies a bar in the colour and with the name that the view's node has,
    as in Slicer.
    """
    qt.QApplication.processEvents()  # views that were just shown are laid out first
    manager.resize(size)
    canvas = qt.QImage(*manager.size, qt.QImage.Format_RGB888)
    canvas.fill(qt.QColor("#202020"))
    painter = qt.QPainter(canvas)
    for cell in manager.cells():
        if cell.view_class == "vtkMRMLPlotViewNode":
            pixels = plot_views.render(cell.tag, (cell.width - 2, cell.height - 2))
            painter.drawImage(cell.x + 1, cell.y + 1, to_image(pixels))
            continue
        if cell.view_class == "vtkMRMLTableViewNode":
            table_views.paint(painter, cell)
            continue
        if cell.view_class != "vtkMRMLSliceNode":
            _paint_empty(painter, cell)
            continue
        view = manager.view(cell.tag)
        bar = slice_views.BAR if bars else 0
        view.set_size(cell.width - 2, cell.height - bar - 2)
        if fit:
            view.logic().FitSliceToBackground()
        pixels = slice_views.render(view)
        painter.drawImage(cell.x + 1, cell.y + bar + 1, to_image(pixels))
        if bars:
            _paint_bar(painter, cell, view)
    painter.end()
    return save(canvas, path)


def _paint_empty(painter, cell):
    box = qt.QRect(cell.x + 1, cell.y + 1, cell.width - 2, cell.height - 2)
    painter.fillRect(box, qt.QColor("#2d2d38"))
    painter.setPen(qt.QColor("#8a8a9a"))
    painter.drawText(box, qt.Qt.AlignCenter, "not drawn by the headless host")


def _paint_bar(painter, cell, view):
    node = view.get_view_node()
    colour = qt.QColor.fromRgbF(*node.GetLayoutColor())
    box = qt.QRect(cell.x + 1, cell.y + 1, cell.width - 2, slice_views.BAR)
    painter.fillRect(box, colour)
    light = colour.lightnessF() > 0.5
    painter.setPen(qt.QColor("#1c1c1c" if light else "#ffffff"))
    text = box.adjusted(8, 0, -8, 0)
    painter.drawText(text, qt.Qt.AlignVCenter | qt.Qt.AlignLeft, _title(view, node))
    painter.drawText(text, qt.Qt.AlignVCenter | qt.Qt.AlignRight, node.GetOrientation() or "")


def _title(view, node):
    """The view's label, and the volumes it shows with the share of the upper one."""
    composite = view.logic().GetSliceCompositeNode()
    scene = node.GetScene()
    names = []
    for identity in (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID()):
        volume = scene.GetNodeByID(identity) if identity else None
        if volume is not None:
            names.append(volume.GetName())
    if len(names) == 2:
        names[1] += f" ({composite.GetForegroundOpacity():.0%})"
    label = node.GetLayoutLabel() or node.GetLayoutName()
    return "   ".join([label, " + ".join(names)])
