"""Alerts: what turned wrong or right since the last word to the operators, told once, through Apprise.

conditions (what is wrong now) -> memory (what was told) -> message (text) -> deliver (Apprise); tell joins them,
watchdog asks whether anything ran at all. Nothing here may fail a refresh.
"""
