"""Training pix2pix on a prepared data set."""
