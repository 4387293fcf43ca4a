"""MLflow as a tracker. Where it keeps numbers is decided by its own settings (MLFLOW_TRACKING_URI, ...)."""

from __future__ import annotations

from collections.abc import Mapping

from encoder.training.tracking.tracker import Tracked

_LONGEST = 500
"""Letters of a parameter's value that every store of MLflow takes."""


class MLflow:
    """One run a training, found again by its tag when that is resumed."""

    def __init__(self, tracked: Tracked):
        import mlflow

        self._mlflow = mlflow
        found = mlflow.search_runs(filter_string=f"tags.training = '{tracked.training}'", output_format="list")
        if found and tracked.step:
            mlflow.start_run(run_id=found[0].info.run_id)
        else:
            mlflow.start_run(run_name=tracked.folder.name, tags={"training": tracked.training})
            mlflow.log_params({name: str(value)[:_LONGEST] for name, value in tracked.settings.items()})

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take the numbers of an optimiser step."""
        self._mlflow.log_metrics(dict(numbers), step=step)

    def close(self) -> None:
        """Write what was kept back."""
        self._mlflow.end_run()
