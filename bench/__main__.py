"""The command line of the measurements."""

from __future__ import annotations

import argparse

from bench import answers, lost, migration, tokens


def main() -> int:
    """Run what is named; without a name, everything there is."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Waymark beside its peers.")
    kinds = parser.add_subparsers(dest="kind")
    answers.add_arguments(kinds.add_parser("answers", help=answers.ABOUT, description=answers.ABOUT))
    lost.add_arguments(kinds.add_parser("lost", help=lost.ABOUT, description=lost.ABOUT))
    tokens.add_arguments(kinds.add_parser("tokens", help=tokens.ABOUT, description=tokens.ABOUT))
    migration.add_arguments(kinds.add_parser("migration", help=migration.ABOUT, description=migration.ABOUT))
    options = parser.parse_args()
    if options.kind is None:
        options = parser.parse_args(["answers"])
    return int(options.run(options))


if __name__ == "__main__":
    raise SystemExit(main())
