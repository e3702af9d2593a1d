"""The report of an evaluation: one HTML file with its tables, figures and settings, that needs no other file and no network."""
