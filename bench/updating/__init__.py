"""What `python -m bench updates` measures with: a region of services, distances, crowds and peers."""
