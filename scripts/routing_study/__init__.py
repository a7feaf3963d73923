"""The study that the routing rule and its defaults were chosen by."""
