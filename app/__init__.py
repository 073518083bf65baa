"""The service: knows HTTP and jobs, no tensors."""
