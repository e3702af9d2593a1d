"""What several wings share: folders of runs, names of files, settings files, random streams, memory, pages of pictures."""
