"""score: PDs, points, decisions and reasons for new applicants."""
