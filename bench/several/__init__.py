"""What `python -m bench instances` is made of: processes of `ops serve` behind nginx, and the people who write."""
