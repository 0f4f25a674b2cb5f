#!/usr/bin/env bash
# Builds the worker's image, tests it, pushes it under a tag of the time, and says what to enter at RunPod.
#
#   ./deploy.sh [full|quick] [--no-push]
#
# full (the default) runs the tests, pulls the base anew and builds without a cache; quick builds with the cache and runs the
# self-test only. IMAGE names the repository (IMAGE=docker.io/you/gopherpod-worker), from the environment or ../../.env.
# The last image pushed stands in .last-image.
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }
die() { say "deploy.sh: $*"; exit 1; }

mode=full push=yes
for arg; do
	case $arg in
	full | quick) mode=$arg ;;
	--no-push) push=no ;;
	-h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) die "unknown argument $arg; known: full, quick, --no-push" ;;
	esac
done

docker=${DOCKER:-docker}
python=${PYTHON:-python3}
command -v "$docker" >/dev/null || die "no docker here; https://docs.docker.com/engine/install/ tells how to install it"
if [ -z "${IMAGE:-}" ] && [ -f ../../.env ]; then
	IMAGE=$(sed -n 's/^IMAGE=//p' ../../.env | tail -n 1)
fi
if [ -z "${IMAGE:-}" ]; then
	[ $push = no ] || die "IMAGE is not set: the repository to push to, for instance IMAGE=docker.io/you/gopherpod-worker"
	IMAGE=gopherpod-worker
fi
[[ $IMAGE =~ ^[a-z0-9][a-z0-9._/:-]*$ && ${IMAGE##*/} != *:* ]] || die "IMAGE=$IMAGE is not a repository without a tag"
tag=$IMAGE:$(date -u +%Y%m%d-%H%M%S)

options=(--platform linux/amd64)
if [ "$mode" = full ]; then
	say "== tests"
	"$python" -m pytest -q tests
	options+=(--pull --no-cache)
fi
say "== build $tag"
"$docker" build "${options[@]}" -t "$tag" . # the build ends with the self-test
say "== self-test of the image"
"$docker" run --rm "$tag" python3 handler.py --self-test
if [ $push = no ]; then
	say "built $tag, not pushed"
	exit 0
fi
say "== push"
"$docker" push "$tag"
printf '%s\n' "$tag" >.last-image.new && mv .last-image.new .last-image

cat <<END
$tag

At RunPod: gopherpod deploy --image $tag
or in the console (https://console.runpod.io/serverless, New Endpoint, Docker image):
  Container image      $tag
  Endpoint type        Queue
  GPU                  16 GB and up; more than one GPU a worker for "gpus": "all"
  Container disk       10 GB
  Max workers          1 to begin with
  Execution timeout    as long as your longest training
  Network volume       optional: at /runpod-volume, for checkpoints and data between workers
  Environment          GOPHERPOD_ALLOW_CODE=1 and GOPHERPOD_ALLOW_URLS=https://host/path/ only where you want what they open
then put RUNPOD_ENDPOINT_ID and RUNPOD_API_KEY into .env.
END
