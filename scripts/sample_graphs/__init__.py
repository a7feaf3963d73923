"""Making the sample graphs of a real model again from its transcoders."""
