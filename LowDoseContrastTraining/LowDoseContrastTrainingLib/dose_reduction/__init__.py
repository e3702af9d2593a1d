"""Reduced-dose versions of acquisitions at one dose: the detector's noise, and what scaling it lacks."""
