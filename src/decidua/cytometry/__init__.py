"""Flow cytometry: from an FCS file or a count table to measurements.

In: FCS files, FlowJo and Gating-ML documents, exported counts.
Out: acquisitions, gating trees, population counts, measurements.
May import: study, measurement, statistics, knowledge, errors.
Sources: the FCS 3.1 and Gating-ML 2.0 standards of ISAC, and the papers each function names.
Start reading at: fcs.read_fcs, then acquisition.Acquisition.
"""
