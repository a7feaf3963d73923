"""The local feature index: its form on disk, reading and writing."""
