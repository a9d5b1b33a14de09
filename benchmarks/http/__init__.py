"""What the package's endpoints cost beside bare Django views that send the same statements."""
