"""Hold workspaces, locations, contacts and API clients."""
