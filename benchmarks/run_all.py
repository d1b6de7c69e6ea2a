"""Run every benchmark of this folder and write one table to out/benchmarks.json."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
NOT_SCRIPTS = {"harness", "pairs", "run_all"}


def main() -> int:
    """Run all scripts, print their rows, return 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    quick = ["--quick"] if parser.parse_args().quick else []
    documents, failed = [], []
    for script in sorted(FOLDER.glob("*.py")):
        if script.stem in NOT_SCRIPTS:
            continue
        print(f"running {script.stem}", file=sys.stderr)
        answer = subprocess.run(
            [sys.executable, str(script), "--json", *quick],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            failed.append(script.stem)
            print(answer.stderr[-2000:], file=sys.stderr)
            continue
        document = json.loads(answer.stdout.strip().splitlines()[-1])
        documents.append(document)
        mark = "" if document["clean"] else " (not clean)"
        for row in document["rows"]:
            print(
                f"{document['name']}{mark:<14} {row['key']:<44} {row['value']:>10.4g} {row['unit']}"
                + (f"  {row['note']}" if row["note"] else "")
            )
    out = FOLDER.parent / "out" / "benchmarks.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(documents, indent=2), encoding="utf-8")
    print(f"written to {out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
