"""The quality of a run while it trains: readings, their curve, alarms, the best weights."""
