"""Training, a readable loop per family: `training.NAME.fit`."""
