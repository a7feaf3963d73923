"""Training of the embedded model atlas and of its transcoders."""
