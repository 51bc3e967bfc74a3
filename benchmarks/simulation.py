"""Patient-years a core-second and error of the simulation engines, against SciPy with tight tolerances.

One thread, CPU time, rounds interleaved and the first dropped. 300 days, 14 outputs a day, virtual women with their own
shifts, gains, turnovers, kinetics and implantation day. The last line is one JSON list.
"""

import argparse
import json
import statistics
import time

import numpy as np

from decidua.simulation import Course, Regimen, kernel, simulate
from decidua.simulation.model import core
from decidua.simulation.plan import plan
from decidua.simulation.population import draw
from decidua.simulation.solve import SHOWN
from decidua.simulation.women import start_table

DAYS = 300
YEARS = DAYS / 365.25
DOSES = Regimen(
    "113 doses",
    (
        Course("adalimumab", 40, 40, 14, 292),
        Course("prednisolone", 20, 30, 1, 120),
        Course("ivig", 60, 30, 21, 72),
    ),
)
DAILY = Regimen("with daily hydroxychloroquine", (*DOSES.courses, Course("hydroxychloroquine", 310, 28, 1, 279)))
SCHEDULES = {"no drugs": Regimen(), "113 doses": DOSES, "113 doses and daily hydroxychloroquine": DAILY}


def cpu(run):
    """Return the CPU seconds of a call."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def speeds(women, count, rounds):
    """Return seconds a woman by engine and schedule."""
    few, table = women.take(slice(0, 64)), {}
    runs = {}
    for name, regimen in SCHEDULES.items():
        runs["kernel", name] = (count, lambda r=regimen: simulate(women, regimen=r, threads=1))
        runs["scalar", name] = (64, lambda r=regimen: scalar(few, r))
        runs["arrays", name] = (count, lambda r=regimen: simulate(women, regimen=r, engine="arrays"))
    for turn in range(rounds + 1):
        for key, (size, run) in runs.items():
            if key[0] == "arrays" and turn > 2:
                continue
            seconds = cpu(run) / size
            if turn:
                table.setdefault(key, []).append(seconds)
    return {key: statistics.median(values) for key, values in table.items()}


def scalar(women, regimen):
    """Run the same code one woman at a time: what vector instructions are held against."""
    table = start_table(core(), women, np.arange(women.count))
    kernel.run_lanes(plan(DAYS, regimen), table, SHOWN, 1, 1, lanes=1)


def errors(count, seed, regimen):
    """Return the worst error of each woman, of the kernel against tight SciPy, and the seconds SciPy took for one."""
    women = draw(count, seed)
    begin = time.process_time()
    tight = simulate(women, regimen=regimen, engine="reference")
    seconds = (time.process_time() - begin) / count
    ours = simulate(women, regimen=regimen)
    scale = np.abs(tight.values) + 1e-3 * np.abs(tight.values).max(axis=1, keepdims=True)
    near = np.abs(tight.crossings - np.round(tight.crossings)) < 1e-3
    worst = (np.abs(ours.values - tight.values) / scale).max(axis=(1, 2))[~near]
    same = int((ours.ends == tight.ends)[~near].sum())
    middle, most, largest = np.quantile(worst, [0.5, 0.9, 1.0])
    print(f"  {regimen.id}: error median {middle:.1e}, 90 % {most:.1e}, max {largest:.1e}")
    print(f"  {regimen.id}: same end in {same} of {worst.size}; SciPy {seconds:.2f} s a woman")
    return worst, seconds


def scale(count, seed):
    """Print the CPU seconds of many women with daily output in single precision."""
    for name, regimen in SCHEDULES.items():
        women = draw(count, seed)
        seconds = cpu(lambda w=women, r=regimen: simulate(w, regimen=r, dtype=np.float32))
        print(f"  {count} women daily, {name}: {seconds:.1f} s")


def row(name, ours, peer, unit):
    """Return one row of the result."""
    figures = {"ours": ours, "peer": peer, "ratio": ours / peer}
    return {"name": name, "unit": unit} | {key: float(f"{value:.4g}") for key, value in figures.items()}


def main():
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--women", type=int, default=1024, help="women for the speeds")
    arguments.add_argument("--checked", type=int, default=32, help="women for the errors")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seed", type=int, default=71)
    arguments.add_argument("--scale", type=int, default=0, help="women of one large run; 0 = none")
    given = arguments.parse_args()
    begin = time.perf_counter()
    kernel.compiled()
    print(f"kernel ready in {time.perf_counter() - begin:.1f} s")
    kernel.compiled(1)
    taken = speeds(draw(given.women, given.seed), given.women, given.rounds)
    for (engine, schedule), seconds in taken.items():
        print(f"  {engine}, {schedule}: {seconds * 1e3:.3f} ms a woman, {YEARS / seconds:.0f} patient-years/core-s")
    if given.scale:
        scale(given.scale, given.seed)
    result = []
    for schedule in ("no drugs", "113 doses"):
        worst, tight = errors(given.checked, given.seed + 1, SCHEDULES[schedule])
        speed = {engine: YEARS / taken[engine, schedule] for engine in ("kernel", "arrays", "scalar")}
        unit = "patient-years/core-s"
        result += [
            row(f"kernel against tight SciPy, {schedule}", speed["kernel"], YEARS / tight, unit),
            row(f"arrays against tight SciPy, {schedule}", speed["arrays"], YEARS / tight, unit),
            row(f"lanes against one woman at a time, {schedule}", speed["kernel"], speed["scalar"], unit),
            row(f"median error against its bound, {schedule}", float(np.median(worst)), 1e-4, "1"),
            row(f"largest error against its bound, {schedule}", float(worst.max()), 1e-3, "1"),
        ]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
