"""What any learned model must stand beside."""
