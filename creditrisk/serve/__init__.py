"""serve: the champion as a service. It imports no trainer, MLflow, DVC or plotly."""
