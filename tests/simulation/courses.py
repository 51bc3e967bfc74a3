"""Courses a spawned process can import by name."""

from decidua.simulation import simulate
from decidua.simulation.population import draw
from simulation.scenarios import ALL_DRUGS

OUTPUTS = ("TNFu", "H1u", "R", "S", "D", "u_GC")


def course(women, **kwargs):
    return simulate(women, regimen=ALL_DRUGS, outputs=OUTPUTS, **kwargs)


def in_a_process(first):
    return course(draw(10, 5, first=first), threads=1).values
