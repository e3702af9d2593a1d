"""What several wings share: folders of runs, settings files, random streams, memory, pages of pictures. Imports none of them."""
