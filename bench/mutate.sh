#!/usr/bin/env bash
# Mutation tests by cosmic-ray: every small change of a module that its tests do not notice is shown. In a copy of what
# is committed, so that nothing here is changed meanwhile. Usage: bench/mutate.sh NAME MODULE[,MODULE] TEST...
#
# Left out are "|" in annotations, which are never evaluated. bench/results/mutation.md has what came of it.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1 modules=$2
shift 2
here=$PWD
tools=$here/.venv-mutate
[ -x "$tools/bin/cosmic-ray" ] || { python3 -m venv "$tools" && "$tools/bin/pip" install -q "cosmic-ray>=8.7,<9"; }

copy=$(mktemp -d)
git clone -q . "$copy/waymark"
cd "$copy/waymark"
cat > mutate.toml <<TOML
[cosmic-ray]
module-path = ["${modules//,/\", \"}"]
timeout = 90.0
excluded-modules = []
test-command = "env PYTHONPATH=$copy/waymark PYTHONDONTWRITEBYTECODE=1 $here/.venv/bin/python -m pytest -x -q -p no:cacheprovider --noconftest -k 'not postgresql' $*"
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = ["core/ReplaceBinaryOperator_BitOr_.*"]
TOML
"$tools/bin/cosmic-ray" init mutate.toml mutate.sqlite > /dev/null
"$tools/bin/cr-filter-operators" mutate.sqlite mutate.toml
"$tools/bin/cosmic-ray" exec mutate.toml mutate.sqlite
"$tools/bin/cr-report" --show-diff --surviving-only mutate.sqlite > "$here/mutate-$name.txt" || true
tail -3 "$here/mutate-$name.txt"
echo "What survived is in mutate-$name.txt; the copy is in $copy"
