"""`kotally prove` and `kotally seal`: show that the books are right, and keep proof elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kotally.cli.arguments import Arguments, Commands, command, location_option
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.db import Database
    from kotally.ledger.proofs import Difference, Proof
    from kotally.ledger.seals import Seal


def declare(commands: Commands) -> None:
    """Declare the commands."""
    prove = command(
        commands,
        "prove",
        on_database(_prove),
        about="Derive every figure again from the entries and name the differences.",
    )
    location_option(prove, required=False)
    prove.add_argument(
        "--seal", metavar="FILE", type=Path, help="compare with a seal that was kept instead"
    )
    seal = command(
        commands,
        "seal",
        on_database(_seal),
        about="Write the heads of all chains of a location, to be kept elsewhere.",
    )
    location_option(seal)
    seal.add_argument("--output", metavar="FILE", type=Path, help="where to; else to the terminal")


async def _prove(db: Database, arguments: Arguments) -> Said:
    from kotally.ledger import proofs, seals
    from kotally.workspaces import locations

    if arguments.location is not None:
        accepted(await locations.find(db, arguments.location))
    if arguments.seal is not None:
        return _proven(await seals.verify(db, _read_seal(arguments.seal)))
    return _proven(await proofs.prove(db, arguments.location))


def _read_seal(path: Path) -> Seal:
    from kotally.ledger import seals

    try:
        return seals.read_document(path.read_bytes())
    except (OSError, seals.SealUnreadable) as fault:
        raise Failure(f"Cannot read the seal {path}: {fault}") from fault


async def _seal(db: Database, arguments: Arguments) -> Said:
    from kotally.ledger import seals
    from kotally.workspaces import locations

    location = accepted(await locations.find(db, arguments.location))
    made = await seals.seal(db, location.id)
    document = seals.seal_document(made)
    facts: dict[str, object] = {
        "location_id": made.location_id,
        "number": made.number,
        "root": made.root,
    }
    if arguments.output is None:
        return Said({**facts, "seal": made}, [document.decode().rstrip("\n")])
    try:
        arguments.output.write_bytes(document)
    except OSError as fault:
        raise Failure(f"Cannot write the seal: {fault}") from fault
    return Said(
        {**facts, "file": str(arguments.output)},
        [f"Seal {made.number} of {made.location_id} is in {arguments.output}: root {made.root}"],
    )


def _proven(proof: Proof) -> Said:
    checked = ", ".join(f"{number} {what}" for what, number in proof.checked.items() if number)
    lines = [f"Checked {checked or 'nothing: there is nothing yet'}."]
    lines += [f"  {_line(difference)}" for difference in proof.differences]
    lines.append("The books are right." if proof.ok else "The books are WRONG.")
    facts = {"checked": proof.checked, "differences": proof.differences}
    return Said(facts, lines, ok=proof.ok)


def _line(difference: Difference) -> str:
    place = [difference.location_id]
    place += [f"contact {difference.contact_id}"] if difference.contact_id else []
    place += [f"lot {difference.lot_id}"] if difference.lot_id else []
    place += [f"posting {difference.seq}"] if difference.seq is not None else []
    return f"{', '.join(place)}: {difference.message}"
