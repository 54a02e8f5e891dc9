"""The contracts of datasets, tasks and models, as checks that anybody can run.

``check_dataset(DATASET, folder)`` in one test is all that a new dataset needs to be
held to the same rules as those of the package; likewise a task and a model.
"""

from cardium.testing.datasets import check_dataset
from cardium.testing.expect import ConformanceError
from cardium.testing.models import check_model
from cardium.testing.tasks import check_task

__all__ = ["ConformanceError", "check_dataset", "check_model", "check_task"]
