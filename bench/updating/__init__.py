"""The tools of `python -m bench updates`: a region of services, distances, crowds and peers."""
