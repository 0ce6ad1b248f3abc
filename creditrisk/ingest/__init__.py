"""ingest: read the applicants' file as text, for training and for scoring alike."""
