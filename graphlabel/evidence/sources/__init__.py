"""The kinds of feature source, one file each; ``graphlabel.evidence.open_source`` chooses."""
