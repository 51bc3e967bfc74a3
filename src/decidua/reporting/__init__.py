"""Turn what was found into documents: the visit report and the study report, as plain data and as HTML.

In: `StudyFindings`. Out: `Report`, ordered plain data with a content hash; HTML that needs nothing but itself.
May import: timeline, balance, measurement, knowledge, tables, errors. The only room that draws.
Sources: fixed texts are rows of `knowledge/statements.csv`; each report lists the sources it used.
Start reading at `visit.py`, then `document.py`.
"""
