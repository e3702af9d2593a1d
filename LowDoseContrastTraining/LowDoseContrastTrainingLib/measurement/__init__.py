"""How images are measured: noise power, edge response."""
