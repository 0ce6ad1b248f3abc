"""Names of series that are no variables: of the PDs and of the decisions."""

# Names of variables have no blanks.
SCORE, APPROVAL, REFERRAL = "score (PD)", "approval rate", "referral rate"
