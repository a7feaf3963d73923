"""What a label is worth: scorers, and the comparison of label methods."""
