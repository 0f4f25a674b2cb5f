#!/usr/bin/env bash
# Runs every fuzz target of the project: .ci/fuzz.sh [TIME [PACKAGE...]]
#
# TIME is how long each target runs (default: GOPHERPOD_FUZZTIME, else 3s). Each target gets one core, and there are as many at a time as
# cores. A failing input is written to testdata/fuzz of its package, where `go test` runs it from then on: fix the code and commit the file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${1:-${GOPHERPOD_FUZZTIME:-3s}}
packages=("${@:2}")
[ ${#packages[@]} -gt 0 ] || packages=(./...)
cache=${GOPHERPOD_TEST_CACHE:-$PWD/.cache}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The targets, from the test files that go list finds for this system. Each line is "import path, folder, name".
# shellcheck disable=SC2016 # the dollars are the template's
go list -f '{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}} {{.}}
{{end}}{{range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}} {{.}}
{{end}}' "${packages[@]}" | while read -r path dir file; do
	[ -n "$file" ] || continue
	sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)([a-z]* \*testing\.F).*/\1/p' "$dir/$file" | while read -r name; do echo "$path $dir $name"; done
done >"$work/targets"
[ -s "$work/targets" ] || { echo "fuzz.sh: found no fuzz target in ${packages[*]}" >&2; exit 1; }

# One instrumented test binary for each package.
cut -d' ' -f1 "$work/targets" | uniq | while read -r path; do
	go test -c -fuzz=. -o "$work/${path//\//_}.test" "$path"
done
echo "$(wc -l <"$work/targets") targets, $time each; built in ${SECONDS}s"

# fuzz PATH DIR NAME runs a target in its folder. It prints one line, and the target's output if it fails. Without fuzzminimizetime, Go
# would spend up to a minute on minimizing an input that only adds coverage.
fuzz() {
	local path=$1 dir=$2 name=$3 log=$work/${1//\//_}_$3.log
	if (cd "$dir" && "$work/${path//\//_}.test" -test.run='^$' -test.fuzz="^$name\$" -test.fuzztime="$time" -test.fuzzminimizetime=1s -test.parallel=1 \
		-test.fuzzcachedir="$cache/fuzz/$path") >"$log" 2>&1; then
		echo "ok   ${path#*/*/*/} $name, $(grep -o 'execs: [0-9]*' "$log" | tail -n 1)"
	else
		printf 'FAIL %s %s\n%s\n' "${path#*/*/*/}" "$name" "$(<"$log")"
		touch "$work/failed"
	fi
}
cores=$(nproc)
while read -r path dir name; do
	while [ "$(jobs -rp | wc -l)" -ge "$cores" ]; do wait -n; done
	fuzz "$path" "$dir" "$name" &
done <"$work/targets"
wait
[ ! -e "$work/failed" ] || {
	echo "fuzz.sh: these inputs are new; run one again with: go test -run=FuzzNAME/FILE ./PACKAGE"
	git status --porcelain --untracked-files=all -- ':(glob)**/testdata/fuzz/**'
	exit 1
}
