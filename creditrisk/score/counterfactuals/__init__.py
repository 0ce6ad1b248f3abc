"""What would have to be different for an applicant to be accepted (counterfactuals)."""
