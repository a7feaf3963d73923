"""The annotation store: what a person decided outlives files."""

from graphlabel.store.store import STORE_VARIABLE, Store, default_store_path

__all__ = ["STORE_VARIABLE", "Store", "default_store_path"]
