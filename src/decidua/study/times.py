"""Times of a sheet turned into days and hours without calendar; no date goes further than this module."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from decidua.errors import Ambiguous, BrokenStudy
from decidua.measurement import Instant

_RELATIVE = re.compile(r"d(-?\d{1,5})(?:T(\d{2}):(\d{2}))?")
_CALENDAR = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}))?")


@dataclass(slots=True)
class Clock:
    """Reads one subject's times, all of one kind, onto one axis of days.

    Attributes
    ----------
    zone : ZoneInfo
        The study's time zone, for calendar times only.
    origin : date or None
        The subject's first calendar day, day zero of the axis.
    """

    zone: ZoneInfo
    origin: date | None = None
    _kind: str = field(default="", init=False)

    def learn(self, cells: list[str]) -> None:
        """Take the subject's first calendar day as day zero.

        Parameters
        ----------
        cells : list of str
            Every time cell of the subject, lists split.

        Raises
        ------
        Ambiguous
            Where days from a day zero and calendar times are mixed.
        """
        found = [m for cell in cells if (m := _CALENDAR.fullmatch(cell.strip()))]
        relative = [cell for cell in cells if _RELATIVE.fullmatch(cell.strip())]
        if found and relative:
            raise Ambiguous(
                "calendar times and days from a day zero are mixed for one subject.",
                remedy="Write all times of one subject in one kind.",
            )
        days = [d for m in found if (d := _date(m)) is not None]
        self.origin = min(days) if days else None

    def read(self, text: str, column: str) -> Instant | None:
        """Read one time.

        Parameters
        ----------
        text : str
            ``dN``, ``dNThh:mm``, ``YYYY-MM-DD`` or ``YYYY-MM-DDThh:mm``; empty is not stated.
        column : str
            For the error, which never repeats the time itself.

        Returns
        -------
        Instant or None
            Day and hour on the subject's axis.

        Raises
        ------
        BrokenStudy
            Where the text is no such time, or no day or hour that exists.
        """
        text = text.strip()
        if not text:
            return None
        if found := _RELATIVE.fullmatch(text):
            hour, minute = int(found[2] or 0), int(found[3] or 0)
            if hour < 24 and minute < 60:
                return Instant(int(found[1]), hour + minute / 60, found[2] is not None)
        elif (found := _CALENDAR.fullmatch(text)) and self.origin and (day := _date(found)):
            return self._calendar(day, found)
        raise BrokenStudy(
            f"{column} holds no time that exists.",
            place=column,
            remedy="Write YYYY-MM-DDThh:mm, or dN or dNThh:mm from the subject's day zero.",
        )

    def _calendar(self, day: date, found: re.Match[str]) -> Instant:
        assert self.origin is not None
        whole = (day - self.origin).days
        if found[4] is None:
            return Instant(whole)
        hour, minute = int(found[4]), int(found[5])
        if hour > 23 or minute > 59:
            raise BrokenStudy("the hour does not exist.", remedy="Write hh:mm between 00:00 and 23:59.")
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
        start = datetime(self.origin.year, self.origin.month, self.origin.day, tzinfo=self.zone)
        # elapsed hours count in UTC, so that a clock change between two times does not add or lose an hour
        elapsed = (local.timestamp() - start.timestamp()) / 3600
        return Instant(whole, elapsed - 24 * whole, True)


def _date(found: re.Match[str]) -> date | None:
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
