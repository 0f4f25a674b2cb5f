#!/usr/bin/env bash
# Sets up Gopherpod from this checkout and runs the quickstart notebook.
#
#   ./install.sh              install what is missing, build, register the kernel, run the quickstart
#   ./install.sh --no-run     everything except running the notebook
#   ./install.sh --prefix DIR install under DIR (default: ~/.local)
#   ./install.sh --uninstall  remove what this script installed under the prefix
#
# You can run it again at any time. It installs DIR/bin/gopherpod, the kernel under DIR/share/jupyter/kernels, and compiled packages under
# DIR/share/gopherpod (with a private virtual environment for JupyterLab, if no jupyter is on the PATH). If the C compiler or Python's
# venv module is missing, it installs them with the machine's package manager.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source_dir=$PWD

prefix=${HOME:?HOME is not set}/.local
run=yes
uninstall=no
while [ $# -gt 0 ]; do
	case $1 in
	--no-run) run=no ;;
	--uninstall) uninstall=yes ;;
	--prefix) [ $# -ge 2 ] || { echo "install.sh: --prefix wants a directory" >&2; exit 2; }; prefix=$2; shift ;;
	--prefix=*) prefix=${1#--prefix=} ;;
	-h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$source_dir/install.sh"; exit 0 ;;
	*) echo "install.sh: unknown option $1; see ./install.sh --help" >&2; exit 2 ;;
	esac
	shift
done
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
home=$prefix/share/gopherpod
bin=$prefix/bin/gopherpod
venv=$home/venv
started=$(date +%s)

say() { printf '%s\n' "==> $*"; }
die() { printf 'install.sh: %s\n' "$@" >&2; exit 1; }

if [ "$uninstall" = yes ]; then
	if ! { [ -x "$bin" ] && "$bin" uninstall --prefix "$prefix"; }; then
		rm -rf "$prefix/share/jupyter/kernels/gopherpod"
	fi
	rm -f "$bin"
	rm -rf "$home/hosts" "$home/source" "$home/quickstart" "$venv"
	rmdir "$home" 2>/dev/null || true
	say "removed: $bin, the kernel and what was compiled for it"
	exit 0
fi

# install_packages NAME... installs packages with the machine's package manager. The names are Debian's.
install_packages() {
	local sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then return 1; fi
	if command -v apt-get >/dev/null; then
		$sudo env DEBIAN_FRONTEND=noninteractive sh -c "apt-get install -y --no-install-recommends $* || { apt-get update && apt-get install -y --no-install-recommends $*; }" >"$log" 2>&1
	elif command -v dnf >/dev/null; then
		$sudo dnf install -y "${@/python3-venv/python3}" >"$log" 2>&1
	elif command -v pacman >/dev/null; then
		$sudo pacman -S --noconfirm "${@/python3-venv/python}" >"$log" 2>&1
	elif command -v zypper >/dev/null; then
		$sudo zypper --non-interactive install "${@/python3-venv/python3}" >"$log" 2>&1
	else
		return 1
	fi
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# --- the system ----------------------------------------------------------------------------------
case $(uname -s) in
Linux) ;;
Darwin) say "macOS: cells are compiled in classic mode; nobody has tried it on this system yet" ;;
*) die "cells need Linux: on Windows, install WSL2 (in PowerShell: wsl --install) and run ./install.sh in the Linux that it starts." ;;
esac

# --- Go ------------------------------------------------------------------------------------------
command -v go >/dev/null || die "Go 1.26 or newer is needed and there is no 'go' on the PATH." \
	"Get it from https://go.dev/dl/ (unpack to /usr/local, then: export PATH=\$PATH:/usr/local/go/bin)."
go_version=$(GOTOOLCHAIN=local go env GOVERSION)
go_minor=$(printf '%s' "$go_version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
[ "${go_minor:-0}" -ge 26 ] || die "Go 1.26 or newer is needed; 'go' on the PATH is $go_version. Get a newer one from https://go.dev/dl/."
say "using $go_version at $(command -v go)"
# The newest Go that this release was tested with is TestedGo in kernel/setup.
[ "$go_minor" -le 27 ] || say "it is newer than Go 1.27, the newest that this release was tested with: a self-test decides how cells are compiled ('gopherpod doctor' shows it)"

# --- C compiler ----------------------------------------------------------------------------------
cc=$(go env CC)
if ! command -v "${cc%% *}" >/dev/null; then
	say "installing a C compiler (cgo links the cells with it)"
	install_packages gcc libc6-dev binutils || { tail -n 5 "$log" >&2; die "a C compiler is needed: apt-get install gcc libc6-dev (as root), or your system's equivalent."; }
fi

# --- Python and Jupyter --------------------------------------------------------------------------
jupyter=$(command -v jupyter || true)
if [ -n "$jupyter" ] && "$jupyter" nbconvert --version >/dev/null 2>&1; then
	say "using Jupyter at $jupyter"
else
	jupyter=$venv/bin/jupyter
	if ! "$jupyter" nbconvert --version >/dev/null 2>&1; then
		python=
		for p in python3 python3.14 python3.13 python3.12 python3.11; do
			if command -v "$p" >/dev/null && "$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then python=$p; break; fi
		done
		[ -n "$python" ] || die "Python 3.11 or newer is needed for Jupyter: apt-get install python3 python3-venv (as root), or your system's equivalent."
		if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
			say "installing Python's venv module"
			install_packages python3-venv || { tail -n 5 "$log" >&2; die "Python's venv module is needed: apt-get install python3-venv (as root)."; }
		fi
		say "no Jupyter on the PATH: installing JupyterLab in $venv (a minute or two)"
		"$python" -m venv --clear "$venv"
		"$venv/bin/pip" install --quiet --disable-pip-version-check 'jupyterlab>=4.4,<5' 'nbconvert>=7.16,<8' 'nbclient>=0.10' ||
			die "pip could not install jupyterlab; the lines above say why. Run ./install.sh again after fixing that."
	fi
fi

# --- the kernel ----------------------------------------------------------------------------------
say "building gopherpod with $go_version"
mkdir -p "$prefix/bin"
GOFLAGS='' GOTOOLCHAIN=local go build -trimpath -o "$bin" . || die "the build failed; the lines above say why."
say "registering the kernel and precompiling what cells need (a few minutes the first time)"
python=$(dirname "$jupyter")/python
[ -x "$python" ] || python=python3
# Jupyter's Python may be the system's, which is not writable. The kernel works without papermill.
if "$python" -c 'import os, site, sys; sys.exit(not any(os.access(d, os.W_OK) for d in site.getsitepackages()))' 2>/dev/null; then
	"$bin" install --prefix "$prefix" --papermill "$python"
else
	"$bin" install --prefix "$prefix"
fi

# --- the quickstart ------------------------------------------------------------------------------
if [ "$run" = yes ]; then
	out=$home/quickstart
	mkdir -p "$out/data"
	cp notebooks/data/digits.csv "$out/data/"
	cp notebooks/quickstart.ipynb "$out/source.ipynb"
	say "running notebooks/quickstart.ipynb"
	(
		cd "$out"
		JUPYTER_PATH="$prefix/share/jupyter${JUPYTER_PATH:+:$JUPYTER_PATH}" "$jupyter" nbconvert --log-level=WARN --to notebook --execute \
			--ExecutePreprocessor.timeout=300 --output quickstart.ipynb source.ipynb
		"$jupyter" nbconvert --log-level=ERROR --to html quickstart.ipynb
	) || die "the notebook failed; the lines above say why. '$bin doctor' checks the installation."
	rm -f "$out/source.ipynb"
	# Print the text of %runpod_eval's result up to the first empty line: accuracy, loss, samples.
	"$python" - "$out/quickstart.ipynb" <<'END'
import json, sys

for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code" and "".join(cell["source"]).startswith("%runpod_eval"):
        text = "".join(next(o["data"]["text/plain"] for o in cell["outputs"] if "data" in o))
        print("\n" + "\n".join("  " + line for line in text.split("\n\n")[0].splitlines()) + "\n")
END
	echo "  executed notebook: $out/quickstart.ipynb"
	echo "  as a page:         $out/quickstart.html"
fi

echo
say "done in $(($(date +%s) - started)) s. Start with:"
if [ "$jupyter" = "$venv/bin/jupyter" ] || [ "$prefix" != "$HOME/.local" ]; then
	env_part=
	[ "$prefix" = "$HOME/.local" ] || env_part="JUPYTER_PATH=$prefix/share/jupyter "
	echo "      $env_part$jupyter lab notebooks/quickstart.ipynb"
else
	echo "      jupyter lab notebooks/quickstart.ipynb"
fi
case ":$PATH:" in *":$prefix/bin:"*) ;; *) echo "    (add $prefix/bin to the PATH to call gopherpod from a terminal)" ;; esac
