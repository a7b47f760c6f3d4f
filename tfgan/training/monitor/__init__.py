"""What watches the quality of a run while it trains: checks, their curve, alarms, the best kept."""
