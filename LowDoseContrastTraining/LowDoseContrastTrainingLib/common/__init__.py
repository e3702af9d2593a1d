"""What several wings share: run folders, file names, settings files, random streams, memory, contact sheets."""
