"""What every room stands on: errors, redaction, logs, interrupts."""
