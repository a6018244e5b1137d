"""`tangga experiment read`: the uplift of any randomised table, wherever it comes from."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from campaigns.proof import Difference
from campaigns.proof.experiment import UNEVEN, Outcome, Reading, ratio_p, sample
from campaigns.proof.experiment import read as compared
from connectors.csvfile.fault import BadFile
from connectors.csvfile.reading import CsvFile, open_csv
from plugin_server.cli.context import BadInput, json_option, show
from plugin_server.cli.ladder import table

MOST_ARMS, MOST_SHOWN, PLANNED = 50, 10, 10_000
LARGEST = 1e15
"""Beyond this the square of a value, or a sum of squares, leaves what can be reckoned exactly."""
ALWAYS = ("always_low", "always_high")
FIGURES = {
    "difference": "difference", "low": "low", "high": "high", "always_low": "always from", "always_high": "to",
    "minimum_detectable": "detectable",
}  # fmt: skip
"""What is told of a difference, and the head of its column."""
WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}


@dataclass
class _Read:
    """What was found in the file: values per arm and outcome, and what is wrong by row and column."""

    values: dict[str, list[array[float]]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    wrong: int = 0

    def fault(self, row: int, column: str, what: str) -> None:
        """Note what is wrong at a place; only the first few are kept in words."""
        self.wrong += 1
        if len(self.faults) < MOST_SHOWN:
            self.faults.append(f"row {row}, column {column!r}: {what}")


@click.group()
def experiment() -> None:
    """Read randomised trials."""


@experiment.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--arm", required=True, metavar="COLUMN", help="The column that says who was assigned to what.")
@click.option("--control", required=True, metavar="VALUE", help="Its value for those who were held out.")
@click.option("--outcome", "outcomes", required=True, multiple=True, metavar="COLUMN", help="May be given repeatedly.")
@click.option("--expect", multiple=True, metavar="VALUE=SHARE", help="How people were meant to be split; else evenly.")
@click.option("--always-valid", is_flag=True, help="Add intervals that hold however often one looks.")
@click.option(
    "--planned",
    type=click.IntRange(2),
    default=PLANNED,
    show_default=True,
    help="People in the full table; fix it before looking.",
)
@click.option("--home", expose_value=False, help="Taken as everywhere; nothing is read from it.")
@json_option
def read(
    file: Path,
    arm: str,
    control: str,
    outcomes: tuple[str, ...],
    expect: tuple[str, ...],
    always_valid: bool,
    planned: int,
    as_json: bool,
) -> None:
    """Compare every arm of FILE (.csv or .csv.gz, one row per person) with the control, with 95 % intervals."""
    try:
        opened = open_csv(file)
        found = _read(opened, _column(opened, arm), [_column(opened, name) for name in outcomes])
    except BadFile as error:
        raise BadInput(str(error)) from error
    _refuse(file.name, arm, control, found)
    arms = _arms(found.values, outcomes)
    sizes = {name: len(columns[0]) for name, columns in found.values.items()}
    document = _document(arms, control, ratio_p(sizes, _shares(expect, sizes)), planned if always_valid else None)
    show(document, as_json, lambda: _lines(document))


def _column(opened: CsvFile, name: str) -> int:
    places = [place for place, held in enumerate(opened.header) if held == name]
    if len(places) == 1:
        return places[0]
    if places:
        raise BadInput(f"{opened.path.name} has {len(places)} columns called {name!r}; rename one of them.")
    raise BadInput(f"{opened.path.name} has no column {name!r}. It has: {', '.join(map(repr, opened.header))}.")


def _read(opened: CsvFile, arm: int, outcomes: Sequence[int]) -> _Read:
    found, names = _Read(), opened.header
    for row, cells in opened.rows():
        if len(cells) < len(names) and max(arm, *outcomes) >= len(cells):
            found.fault(row, names[len(cells)], f"missing; the row has {len(cells)} of {len(names)} fields")
            continue
        if any(cell.strip() for cell in cells[len(names) :]):
            found.fault(row, names[-1], f"the row has {len(cells)} fields, the header {len(names)}")
            continue
        assigned = cells[arm].strip()
        if not assigned:
            found.fault(row, names[arm], "empty; everybody was assigned to something")
            continue
        kept = found.values.setdefault(assigned, [array("d") for _ in outcomes])
        for place, values in zip(outcomes, kept, strict=True):
            number = _number(cells[place].strip())
            if isinstance(number, str):
                found.fault(row, names[place], number)
            else:
                values.append(number)
        if len(found.values) > MOST_ARMS:
            raise BadInput(f"Column {names[arm]!r} has more than {MOST_ARMS} values; is it the one that names the arm?")
    return found


def _number(cell: str) -> float | str:
    """The value, or what is wrong with it."""
    if not cell:
        return "empty; write 0 for people without this outcome"
    try:
        number = WORDS[cell.lower()] if cell.lower() in WORDS else float(cell)
    except ValueError:
        return f"{cell!r} is not a number" + ("; write 12.5, not 12,5" if "," in cell else "")
    if not math.isfinite(number):
        return f"{cell!r} is not a finite number"
    return number if abs(number) < LARGEST else f"{cell!r} is too large; the most are 15 digits before the point"


def _refuse(file: str, arm: str, control: str, found: _Read) -> None:
    if found.wrong:
        more = f"\n… and {found.wrong - len(found.faults)} more" if found.wrong > len(found.faults) else ""
        values = "1 value" if found.wrong == 1 else f"{found.wrong} values"
        raise BadInput(f"{file}: {values} cannot be read.\n" + "\n".join(found.faults) + more)
    if not found.values:
        raise BadInput(f"{file} has a header but no rows.")
    if control not in found.values:
        raise BadInput(f"Nobody in column {arm!r} is {control!r}. Its values: {', '.join(map(repr, found.values))}.")
    if len(found.values) == 1:
        raise BadInput(f"Everybody in column {arm!r} is {control!r}; there is nobody to compare them with.")


def _shares(given: tuple[str, ...], sizes: dict[str, int]) -> dict[str, float] | None:
    if not given:
        return None
    shares: dict[str, float] = {}
    for pair in given:
        name, _, share = pair.rpartition("=")
        number = _number(share)
        if isinstance(number, str) or number <= 0:
            raise BadInput(f"--expect {pair!r}: write it as VALUE=SHARE, such as holdout=0.1.")
        shares[name] = number
    if set(shares) != set(sizes):
        raise BadInput(f"--expect must name each of {', '.join(map(repr, sizes))} once, and nothing else.")
    total = math.fsum(shares.values())
    return {name: share / total for name, share in shares.items()}


def _arms(values: dict[str, list[array[float]]], outcomes: Sequence[str]) -> dict[str, dict[str, Outcome]]:
    share = [all(set(columns[place]) <= {0.0, 1.0} for columns in values.values()) for place in range(len(outcomes))]
    return {
        arm: {
            name: Outcome(sample(column), is_share)
            for name, column, is_share in zip(outcomes, columns, share, strict=True)
        }
        for arm, columns in values.items()
    }


def _document(
    arms: dict[str, dict[str, Outcome]], control: str, ratio: float | None, planned: int | None
) -> dict[str, Any]:
    return {
        "control": control,
        "arms": {
            arm: {
                "n": next(iter(outcomes.values())).sample.n,
                "outcomes": {
                    name: {"mean": o.sample.mean, "sd": math.sqrt(o.sample.variance), "share": o.share}
                    for name, o in outcomes.items()
                },
            }
            for arm, outcomes in arms.items()
        },
        "differences": [_difference(reading, planned) for reading in compared(arms, control, planned)],
        "sample_ratio_p": ratio,
        "believable": ratio is None or ratio >= UNEVEN,
    }


def _difference(reading: Reading, planned: int | None) -> dict[str, Any]:
    found = reading.difference
    return {
        "arm": reading.arm,
        "outcome": reading.outcome,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "method": reading.method,
        "verdict": _verdict(found),
        "relative": reading.relative,
        "minimum_detectable": reading.detectable,
        **(dict(zip(ALWAYS, reading.always or (None, None), strict=True)) if planned else {}),
    }


def _verdict(found: Difference) -> str:
    if found.difference is None:
        return "too few people"
    if found.low is None:
        return "no spread"
    return "conclusive" if found.conclusive else "inconclusive"


def _lines(document: dict[str, Any]) -> str:
    arms = document["arms"]
    names = list(arms[document["control"]]["outcomes"])
    means = [("arm", "people", *names)]
    means += [
        (arm, held["n"], *(f"{held['outcomes'][name]['mean']:.6g}" for name in names)) for arm, held in arms.items()
    ]
    kept = [key for key in FIGURES if key in document["differences"][0]]
    rows = [("arm", "outcome", *(FIGURES[key] for key in kept), "verdict")]
    for one in document["differences"]:
        figures = (one[key] for key in kept)
        rows.append((one["arm"], one["outcome"], *("-" if f is None else f"{f:.6g}" for f in figures), one["verdict"]))
    ratio = document["sample_ratio_p"]
    told = [f"Against {document['control']!r}, 95 % intervals", table(means), "", table(rows), ""]
    told.append(f"Sizes of the arms: p = {ratio:.4g}")
    if not document["believable"]:
        told.append(
            "Do not believe these figures: the arms are too uneven for chance. Something took people out of one."
        )
    return "\n".join(told)
