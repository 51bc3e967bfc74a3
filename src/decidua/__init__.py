"""Decidua: from laboratory files to a Th1/Th2/Th17/Treg and NK profile on the pregnancy timeline.

For research use only: it describes and places; it never advises treatment.
"""

__version__ = "0.1.0"
