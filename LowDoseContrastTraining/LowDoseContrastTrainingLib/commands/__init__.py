"""The commands of the training library: one file for each."""
