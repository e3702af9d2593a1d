"""Names of the attributes that the extension gives to nodes of a scene; for whoever must not load more than these."""

HEADER_ATTRIBUTE = "LowDoseContrast.header"
REPORT_ATTRIBUTE = "LowDoseContrast.report"
ROLE_ATTRIBUTE = "LowDoseContrast.role"
