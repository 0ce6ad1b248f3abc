"""Tell people of alarms: a webhook, GitHub issues, Prometheus, a log line for Cloud Logging."""
