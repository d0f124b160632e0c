# begin.sh: read first by the scripts of end-to-end/, with their arguments. From here on what fails ends the script; it stands
# in an empty folder, $temp, that goes when it ends; $sslc is the command, $root the repository.
set -eu
sslc=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"

die() { # WORDS...
	echo "$*"
	exit 1
}
