"""What `python -m bench load` is made of: the people who write, for Locust, and the platform that answers them."""
