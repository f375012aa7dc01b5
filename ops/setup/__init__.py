"""From settings that are half there to bots that answer."""
