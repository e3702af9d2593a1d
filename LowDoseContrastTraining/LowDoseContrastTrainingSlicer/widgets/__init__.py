"""The sections of the panel: they show and ask, and decide nothing."""
