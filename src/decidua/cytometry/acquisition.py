"""What one FCS data set holds: channels, spillover, events, keywords, and the defects met in reading it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from decidua.cytometry.fcs_events import EventTable, Floats
from decidua.errors import OutsideLimits


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong in a file that was read anyway.

    Parameters
    ----------
    code : str
        Short name of the kind of defect, fit for counting.
    place : str
        Segment, keyword or channel.
    message : str
        What is wrong and which assumption was made.
    """

    code: str
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Channel:
    """One parameter of the cytometer.

    Parameters
    ----------
    index : int
        Number n of the channel in the file, from 1.
    name : str
        ``$PnN``.
    marker : str
        ``$PnS``, empty where the file names none.
    type : str
        ``I`` unsigned integer, ``F`` single or ``D`` double precision.
    bits : int
        Width of one stored value [bit].
    range : int or float
        ``$PnR``: one more than the highest value the channel can hold; 0 where not stated.
    gain : float
        ``$PnG``: amplification by which linear values are divided.
    decades : float
        First number of ``$PnE``: decades of a logarithmic amplifier, 0 where linear.
    floor : float
        Second number of ``$PnE``: the value that channel number 0 of a logarithmic amplifier stands for.
    detector : str
        ``forward_scatter``, ``side_scatter``, ``fluorescence``, ``unmixed``, ``mass``, ``time``, ``other``
        or ``unknown``.
    """

    index: int
    name: str
    marker: str = ""
    type: str = "F"
    bits: int = 32
    range: int | float = 262144
    gain: float = 1.0
    decades: float = 0.0
    floor: float = 0.0
    detector: str = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Spillover:
    """The spillover matrix a file carries.

    Parameters
    ----------
    channels : tuple of str
        ``$PnN`` of the detectors, in the order of rows and columns.
    matrix : array of float64, axes [from, to]
        Share of the signal of dye *from* that detector *to* sees; the diagonal is 1.
    """

    channels: tuple[str, ...]
    matrix: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Acquisition:
    """The events of one tube, with all that the file says about them.

    Parameters
    ----------
    file : str
        The file as the user named it.
    sha256 : str
        Hash of the whole file.
    data_set : int
        Number of the data set within the file, from 1.
    version : str
        Version of the FCS standard.
    count : int
        Number of events.
    channels : tuple of Channel
        In the order of the file.
    spillover : Spillover or None
        As stored, neither inverted nor applied.
    keywords : mapping of str to str
        TEXT and supplemental TEXT, the keys in capitals.
    timestep : float or None
        ``$TIMESTEP``: duration of one unit of the time channel [s].
    defects : tuple of Defect
        All that was wrong and read anyway.
    table : EventTable
        The events where they lie in the file.
    """

    file: str
    sha256: str
    data_set: int
    version: str
    count: int
    channels: tuple[Channel, ...]
    spillover: Spillover | None
    keywords: Mapping[str, str]
    timestep: float | None
    defects: tuple[Defect, ...]
    table: EventTable = field(repr=False)

    def column(self, index: int, *, scaled: bool = False) -> Floats:
        """Read one channel from the file.

        Parameters
        ----------
        index : int
            ``Channel.index``, from 1.
        scaled : bool
            Undo amplification (see `amplified`) instead of giving the stored numbers.

        Returns
        -------
        array of float32 or float64, axis [event]
            float32 where that holds every stored number exactly and nothing was scaled.

        Raises
        ------
        OutsideLimits
            The data set has no such channel.
        """
        if not 1 <= index <= len(self.channels):
            raise OutsideLimits(f"There is no channel {index}; the data set has {len(self.channels)}.", file=self.file)
        stored = self.table.column(index - 1)
        return amplified(stored, self.channels[index - 1], self.timestep) if scaled else stored

    def events(self, *, scaled: bool = False) -> Floats:
        """Read all channels from the file.

        Parameters
        ----------
        scaled : bool
            Undo amplification (see `amplified`) instead of giving the stored numbers.

        Returns
        -------
        array of float32 or float64, axes [event, channel]
            Read-only; without scaling, a view of the file where its bytes lie as the machine reads them.
        """
        if not scaled or not any(is_amplified(channel, self.timestep) for channel in self.channels):
            return self.table.matrix()
        table = np.empty((self.count, len(self.channels)), np.float64)
        with np.errstate(invalid="ignore"):  # a signalling NaN of the file becomes a quiet one
            for channel in self.channels:
                table[:, channel.index - 1] = self.column(channel.index, scaled=True)
        table.flags.writeable = False
        return table

    def line(self) -> dict[str, object]:
        """Give the plain data of the JSON line of kind ``fcs``.

        Returns
        -------
        dict
            Ready for JSON; holds no keyword of the file beyond names, markers, types and ranges.
        """
        shown = ("index", "name", "marker", "type", "bits", "range")
        return {
            "kind": "fcs",
            "file": self.file,
            "sha256": self.sha256,
            "data_set": self.data_set,
            "version": self.version,
            "events": self.count,
            "channels": [{key: getattr(channel, key) for key in shown} for channel in self.channels],
            "spillover": list(self.spillover.channels) if self.spillover else [],
            "defects": [
                {"code": defect.code, "place": defect.place, "message": defect.message} for defect in self.defects
            ],
        }


def is_amplified(channel: Channel, timestep: float | None = None) -> bool:
    """Say whether a channel's stored numbers differ from the scale it was measured on.

    Parameters
    ----------
    channel : Channel
        The channel the numbers belong to.
    timestep : float or None
        Duration of one unit of the time channel [s].

    Returns
    -------
    bool
        True where `amplified` would change them.
    """
    if channel.detector == "time":
        return timestep is not None and timestep != 1.0
    return channel.decades > 0 or channel.gain != 1.0


def amplified(stored: Floats, channel: Channel, timestep: float | None = None) -> Floats:
    """Undo the amplification of one channel.

    A logarithmic amplifier stores ``x`` for ``10 ** (decades * x / range) * floor``; a linear one stores the
    signal times its gain. The two are never combined. The time channel becomes seconds, whatever gain the
    file gives it: programs write the time step there a second time.

    Parameters
    ----------
    stored : array of float, axis [event]
        Numbers as the file holds them.
    channel : Channel
        The channel they belong to.
    timestep : float or None
        Duration of one unit of the time channel [s]; None leaves time in its own units.

    Returns
    -------
    array of float64, axis [event]
        The same array where nothing was amplified.
    """
    if not is_amplified(channel, timestep):
        return stored
    # What overflows is infinite, as it is where the file itself holds an infinite value.
    with np.errstate(over="ignore", invalid="ignore"):
        values = stored.astype(np.float64)
        if channel.detector == "time":
            return values * (timestep or 1.0)
        if channel.decades > 0:
            scaled: NDArray[np.float64] = 10.0 ** (channel.decades * values / channel.range) * channel.floor
            return scaled
        return values / channel.gain
