"""Keeps what other libraries say of damaged files off standard error: what is wrong is said once, by the caller."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator

_LOGGERS = ("tifffile", "pydicom")
_STANDARD_ERROR = 2  # the descriptor: ITK, GDCM and libjpeg write to it past Python

_lock = threading.Lock()
_depth = 0
_kept = -1  # a copy of the descriptor while it is led elsewhere
_itk_warned = True  # whether ITK showed warnings before


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Warnings, log lines and what C libraries print are dropped while the block runs; exceptions are not.

    It may be nested and used from several threads. As a decorator it does so for a whole function.
    """
    _enter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _leave()


def _enter() -> None:
    global _depth, _kept, _itk_warned
    with _lock:
        _depth += 1
        if _depth > 1:
            return
        for name in _LOGGERS:
            logging.getLogger(name).disabled = True
        if "SimpleITK" in sys.modules:  # in Slicer, ITK's warnings go to a window of its own
            process = sys.modules["SimpleITK"].ProcessObject
            _itk_warned = process.GetGlobalWarningDisplay()
            process.SetGlobalWarningDisplay(False)
        with contextlib.suppress(OSError, ValueError):
            if sys.stderr is not None:
                sys.stderr.flush()
        with contextlib.suppress(OSError):  # a program without standard error has nothing to lead elsewhere
            _kept = os.dup(_STANDARD_ERROR)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _STANDARD_ERROR)
            os.close(nowhere)


def _leave() -> None:
    global _depth, _kept
    with _lock:
        _depth -= 1
        if _depth:
            return
        if _kept >= 0:
            os.dup2(_kept, _STANDARD_ERROR)
            os.close(_kept)
            _kept = -1
        if "SimpleITK" in sys.modules:
            sys.modules["SimpleITK"].ProcessObject.SetGlobalWarningDisplay(_itk_warned)
        for name in _LOGGERS:
            logging.getLogger(name).disabled = False
