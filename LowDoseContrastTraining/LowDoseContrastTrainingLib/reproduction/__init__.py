"""The published experiment from end to end, our numbers beside the paper's."""
