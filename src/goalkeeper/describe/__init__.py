"""Read an application file (YAML) into an application; every error names line and key."""

from goalkeeper.describe.given_data import GivenData
from goalkeeper.describe.in_python import ModelOptions, make_application
from goalkeeper.describe.load import check, load, load_policy, read_defences, write_defended
from goalkeeper.describe.problems import DescriptionErrors
from goalkeeper.describe.schema import FILE_NAME, HEADER, schema

__all__ = [
    "FILE_NAME",
    "HEADER",
    "DescriptionErrors",
    "GivenData",
    "ModelOptions",
    "check",
    "load",
    "load_policy",
    "make_application",
    "read_defences",
    "schema",
    "write_defended",
]
