"""Scorers, jobs and sources of Weir in Python.

import weir

@weir.scorer(per="item")
def length(item):
    return len(item.text)
"""

from .client import Client, JobFailed, JobHandle, Unreachable, WeirError
from .context import JobRun, cancelled, current_job, progress
from .decorators import job, scorer, set_version, source
from .definitions import Job, More, Page, Source
from .failures import ArgumentError, BadReturn, Cancelled, DefinitionError, Retry
from .items import Item, Items, Missing, Session
from .process import run

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "BadReturn",
    "Cancelled",
    "Client",
    "DefinitionError",
    "Item",
    "Items",
    "Job",
    "JobFailed",
    "JobHandle",
    "JobRun",
    "Missing",
    "More",
    "Page",
    "Retry",
    "Session",
    "Source",
    "Unreachable",
    "WeirError",
    "cancelled",
    "current_job",
    "job",
    "progress",
    "run",
    "scorer",
    "set_version",
    "source",
]
