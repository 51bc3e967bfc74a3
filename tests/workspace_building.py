"""FlowJo 10 workspaces written by hand, so that reader and writer cannot share an error with the test."""

from __future__ import annotations

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Workspace version="20.0" flowJoVersion="{version}"
  xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating"
  xmlns:transforms="http://www.isac-net.org/std/Gating-ML/v2.0/transformations"
  xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes">
<Groups><GroupNode name="All Samples"><Group name="All Samples">
<SampleRefs><SampleRef sampleID="1"/></SampleRefs></Group></GroupNode></Groups>
<SampleList>"""

SAMPLE = """<Sample><DataSet uri="file:/C:/tubes/{name}" sampleID="{number}"/>
{matrix}
<Transformations>{transforms}</Transformations>
<Keywords>{keywords}</Keywords>
<SampleNode name="{name}" count="{events}" sampleID="{number}" owningGroup="">
<Subpopulations>{populations}</Subpopulations></SampleNode></Sample>"""

TAIL = "</SampleList></Workspace>"

LINEAR = '<transforms:linear transforms:minRange="0" transforms:maxRange="1000" gain="1">{}</transforms:linear>'
LOGICLE = (
    '<transforms:logicle transforms:length="256" transforms:T="1000" transforms:A="0" transforms:W="0.5" '
    'transforms:M="4">{}</transforms:logicle>'
)


def parameter(name: str) -> str:
    return f'<data-type:parameter data-type:name="{name}"/>'


def sample(
    populations: str,
    *,
    name: str = "tube.fcs",
    number: str = "1",
    events: str = "100",
    transforms: str = LINEAR.format(parameter("X")) + LINEAR.format(parameter("Y")),
    keywords: str = "",
    matrix: str = "",
) -> str:
    return SAMPLE.format(
        name=name,
        number=number,
        events=events,
        transforms=transforms,
        keywords=keywords,
        matrix=matrix,
        populations=populations,
    )


def workspace(*samples: str, version: str = "10.8.1") -> str:
    return HEAD.format(version=version) + "".join(samples) + TAIL


def dimension(name: str, **bounds: float) -> str:
    drawn = "".join(f' gating:{side}="{value}"' for side, value in bounds.items())
    return f'<gating:dimension{drawn}><data-type:fcs-dimension data-type:name="{name}"/></gating:dimension>'


def vertex(*values: float) -> str:
    drawn = "".join(f'<gating:coordinate data-type:value="{value}"/>' for value in values)
    return f"<gating:vertex>{drawn}</gating:vertex>"


def rectangle(*dimensions: str, inside: str = "1") -> str:
    drawn = "".join(dimensions)
    return f'<Gate><gating:RectangleGate eventsInside="{inside}">{drawn}</gating:RectangleGate></Gate>'


def polygon(x: str, y: str, *corners: tuple[float, float]) -> str:
    drawn = dimension(x) + dimension(y) + "".join(vertex(*corner) for corner in corners)
    return f"<Gate><gating:PolygonGate>{drawn}</gating:PolygonGate></Gate>"


def population(name: str, gate: str, below: str = "", *, count: str = "5", tag: str = "Population") -> str:
    deeper = f"<Subpopulations>{below}</Subpopulations>" if below else ""
    return f'<{tag} name="{name}" count="{count}" owningGroup="">{gate}{deeper}</{tag}>'


def combination(tag: str, name: str, *paths: str, count: str = "5", below: str = "") -> str:
    dependents = "".join(f'<Dependent name="{path}"/>' for path in paths)
    return population(name, f"<Dependents>{dependents}</Dependents>", below, count=count, tag=tag)
