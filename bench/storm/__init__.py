"""Ten thousand orders in bad weather: drainers that are killed, a database that restarts, services that fail."""
