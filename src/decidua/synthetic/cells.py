"""Made tubes written as FCS files, with the workspace in which their gates were drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from decidua.cytometry.engine import count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.fcs_writer import write_fcs
from decidua.cytometry.flowjo import WorkspaceSample
from decidua.cytometry.flowjo_convert import sample_from
from decidua.synthetic.draw import Draw
from decidua.synthetic.panel import RESTING, STIMULATED, TIMESTEP, channels, spillover, tree
from decidua.synthetic.tubes import Tube, make_events


def tube_name(draw: Draw, stimulated: bool) -> str:
    """Name the file of a tube.

    Parameters
    ----------
    draw : Draw
        The woman.
    stimulated : bool
        Which of the two tubes.

    Returns
    -------
    str
        Such as ``W1_V2_P1_pma_ionomycin.fcs``.
    """
    return f"{draw.subject}_{draw.visit}_P1_{'pma_ionomycin' if stimulated else 'none'}.fcs"


def write_tube(folder: Path, draw: Draw, tube: Tube, sample_id: int, rng: np.random.Generator) -> WorkspaceSample:
    """Write a tube.

    Parameters
    ----------
    folder : Path
        Where to.
    draw : Draw
        The woman.
    tube : Tube
        Which of her tubes.
    sample_id : int
        Its number in the workspace.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    WorkspaceSample
        Its gates, with their counts.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    path = folder / tube_name(draw, tube.stimulated)
    keywords = {"$TIMESTEP": f"{TIMESTEP}", "$CYT": "made", "$FIL": path.name}
    write_fcs(path, make_events(draw, tube, rng), channels(), keywords=keywords, spillover=spillover())
    acquisition = read_fcs(path, name=path.name)
    gates = tree(STIMULATED if tube.stimulated else RESTING)
    counted = count(acquisition, gates)
    stored: dict[str, int | None] = {p.path: p.count for p in counted.populations if p.parent is not None}
    return sample_from(acquisition, gates, stored, str(sample_id))
