"""select: rank the trained models, choose the champion, estimate its performance in use."""
