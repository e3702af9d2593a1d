"""From mammograms at two doses to a data set of paired patches."""
