"""The service on Cloud Run."""
