"""The widgets: they show a View and post messages; they never change the session."""
