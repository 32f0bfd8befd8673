"""Training, a readable loop per family: `training.koalarization.fit` and `training.gan.fit`."""
