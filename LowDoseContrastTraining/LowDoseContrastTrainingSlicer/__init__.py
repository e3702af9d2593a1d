"""The parts of the module that need a running Slicer but no panel."""
