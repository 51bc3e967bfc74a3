"""Sources as a report numbers them: in the order they are first cited."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from decidua.knowledge import fact
from decidua.measurement import Source


class Citations:
    """Numbers of the sources one report uses."""

    def __init__(self) -> None:
        self._keys: list[str] = []

    def cite(self, keys: Iterable[str]) -> str:
        """Give sources their numbers.

        Parameters
        ----------
        keys : iterable of str
            Of `knowledge/sources.csv`, or a source in the reference's own words.

        Returns
        -------
        str
            ``[1, 4]``; empty for none.
        """
        wanted = [k for k in keys if k]
        self._keys += [k for k in dict.fromkeys(wanted) if k not in self._keys]
        numbers = sorted({self._keys.index(k) + 1 for k in wanted})
        return f"[{', '.join(map(str, numbers))}]" if numbers else ""

    def short(self) -> str:
        """Return every source cited so far, by first author, year and journal."""
        return " · ".join(f"{i} {_short(key)}" for i, key in enumerate(self._keys, start=1))

    def full(self) -> tuple[tuple[str, str], ...]:
        """Return every source cited so far: its number, and all that is known of it."""
        return tuple((str(i), _full(key)) for i, key in enumerate(self._keys, start=1))


def _short(key: str) -> str:
    source = fact("sources", key)
    if source is None:
        return key
    first = source["citation"].split(",")[0].split(".")[0]
    who = re.sub(r" [A-Z]{1,4}(?: et al.*)?$", "", first)
    journal = re.split(r" \d|: ", source["journal"])[0]
    return " ".join(part for part in (who, source["year"], journal) if part)


def _full(key: str) -> str:
    source = fact("sources", key)
    if source is None:
        return f"{key} (as the reference states it)"
    parts = [source["citation"].rstrip("."), f"{source['journal']} {source['year']}".strip()]
    parts += [f"doi {source['doi']}"] if source["doi"] else []
    parts += [f"PMID {source['pmid']}"] if source["pmid"] else []
    return ". ".join(p for p in parts if p) + f". Seen: {source['evidence_seen']}."


def inputs_hash(inputs: Iterable[Source]) -> str:
    """Hash what a study read: files and their hashes, in any order.

    Parameters
    ----------
    inputs : iterable of Source
        Files read.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    lines = sorted(f"{source.sha256} {source.file}" for source in inputs)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()


def short_hash(sha256: str) -> str:
    """Shorten a hash to eight digits.

    Parameters
    ----------
    sha256 : str
        In hexadecimal.

    Returns
    -------
    str
        ``3f9a·c27e``; *no hash* for an empty one.
    """
    return f"{sha256[:4]}·{sha256[4:8]}" if len(sha256) >= 8 else sha256 or "no hash"
