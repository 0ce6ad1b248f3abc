"""What alert is told by its environment."""

WEBHOOK = "CREDITRISK_ALERT_WEBHOOK"  # its address
GITHUB = "CREDITRISK_ALERT_GITHUB"  # 1 for issues
TEXTFILE = "CREDITRISK_ALERT_TEXTFILE"  # the path of Prometheus' file
