"""The report of an evaluation: one HTML file with tables, figures and settings that needs no other and no network."""
