"""The screens: the workbench, and the few dialogs for naming and confirming loss."""
