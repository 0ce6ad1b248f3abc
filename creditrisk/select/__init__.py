"""select: rank the trained models, choose the champion, estimate what the choice is worth."""
