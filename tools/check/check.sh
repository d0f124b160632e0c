#!/bin/sh
# check.sh: the rules of the house that a machine can read: layers, lengths, headers, format, links. Prints each
# breach as file: message, and ends with status 1 if there was one.
set -eu
cd "$(dirname "$0")/../.."
breaches=$(mktemp)
trap 'rm -f "$breaches"' EXIT

sources=$(git ls-files -co --exclude-standard '*.c' '*.h' | sort)

# -- The top level has these alone; no link stands for what is elsewhere ------------------------------
git ls-files | sed 's|/.*||' | sort -u |
	grep -vxE 'compiler|runtime|models|tests|tools|CMakeLists.txt|README.md|LICENSE|\.ci|\.clang-format|\.gitignore|CMakePresets.json' |
	sed 's/$/: does not belong at the top level/' >>"$breaches" || true
git ls-files -s | awk '$1 == 120000 { print $4 ": a link" }' >>"$breaches"

# -- Layers: a folder of the compiler includes only doors below its own -------------------------------
# Lowest first; a file may include the doors before its folder's place, and its own folder's headers.
layers="base machine parse graph causal onnx elaborate autodiff passes schedule codegen load"
awk -v order="$layers" '
BEGIN { n = split(order, name, " "); for (i = 1; i <= n; i++) rank[name[i]] = i }
FNR == 1 { split(FILENAME, part, "/"); folder = part[2]; own = (part[1] == "compiler" && folder in rank) ? rank[folder] : 0 }
match($0, /^#include +"[^"]*"/) && own {
	target = substr($0, RSTART, RLENGTH); gsub(/^#include +"|"$/, "", target)
	m = split(target, step, "/")
	for (i = 1; i <= m; i++) if (step[i] in rank && rank[step[i]] > own) print FILENAME ":" FNR ": includes upward: " target
	if ((folder == "autodiff" || folder == "passes" || folder == "schedule" || folder == "codegen" || folder == "load") && target ~ /parse\/|elaborate\//)
		print FILENAME ":" FNR ": " folder " does not know " target
	if (folder == "graph" && target ~ /parse\//) print FILENAME ":" FNR ": graph does not know " target
}
/^#include +[<"](llvm-c|llvm)\// && FILENAME !~ /^compiler\/(codegen\/|load\/link\.c)/ && FILENAME !~ /^(tests|tools)\// {
	print FILENAME ":" FNR ": only compiler/codegen and load/link.c see LLVM"
}
/^#include +<(llvm-c\/(LLJIT|Orc).*|dlfcn|dirent|fcntl|unistd|sys\/stat)\.h>/ && folder == "codegen" {
	print FILENAME ":" FNR ": codegen makes bytes; compiler/load loads and keeps them"
}
/^#include +[<"]cjson\// && FILENAME !~ /^compiler\/parse\/json.c$/ && FILENAME !~ /^runtime\/((train|report)\/(safetensors|json)|text\/tokenizer_json).*\.[ch]$/ {
	print FILENAME ":" FNR ": only the readers of JSON see cJSON"
}
/^#include +["<]/ && FILENAME ~ /^runtime\// && /compiler\/|sslc\.h/ {
	print FILENAME ":" FNR ": the runtime sees nothing of the compiler"
}' $sources >>"$breaches"

# -- Lengths, tabs and a first line that says the job ---------------------------------------------------
for file in $sources; do
	lines=$(wc -l <"$file")
	[ "$lines" -le 600 ] || echo "$file: $lines lines: over 600, split it" >>"$breaches"
	head -c 2 "$file" | grep -q '^/\*' || echo "$file: does not open with a comment that says its job" >>"$breaches"
done

# -- Every header compiles alone -------------------------------------------------------------------------
llvm=$(llvm-config-19 --cflags 2>/dev/null || echo -I/usr/lib/llvm-19/include)
for file in $(git ls-files -co --exclude-standard 'compiler/*.h' 'runtime/*.h'); do
	echo "#include \"$file\"" | gcc -std=c17 -D_GNU_SOURCE -I. -Iruntime $llvm -fsyntax-only -Wall -Wextra -xc - 2>/dev/null ||
		echo "$file: does not compile alone" >>"$breaches"
done

# -- Format ------------------------------------------------------------------------------------------------
if command -v clang-format >/dev/null; then
	clang-format --dry-run --Werror $sources 2>&1 | grep 'error:' | sed 's/error: code should be clang-formatted.*/not formatted: clang-format -i/' >>"$breaches" || true
fi

# -- Every suite is listed -------------------------------------------------------------------------------------
for file in $(git ls-files -co --exclude-standard 'tests/*/test_*.c'); do
	suite=$(basename "$file" .c | sed 's/^test_//')
	grep -q "SUITE($suite)" tests/unit/suites.def || echo "$file: its suite is not in tests/unit/suites.def" >>"$breaches"
done

# -- Tests can fail: `set -e` looks over a command with ! before it, so such a line says what else to do -----------
for file in $(git ls-files -co --exclude-standard 'tests/*.sh' 'tools/*.sh'); do
	grep -nE '^[[:space:]]*! ' "$file" | grep -v '||' | sed "s|^\\([0-9]*\\):.*|$file:\\1: this line cannot fail: ! COMMAND \\|\\| die|" >>"$breaches" || true
done

# -- Every reader is described ---------------------------------------------------------------------------------
sed -n 's/^READER(\([a-z_]*\),.*/\1/p' runtime/data/readers.def | while read -r reader; do
	grep -q "\`$reader(" models/README.md || echo "models/README.md: says nothing of the reader $reader" >>"$breaches"
done

# -- Links of the READMEs ---------------------------------------------------------------------------------------
for file in $(git ls-files -co --exclude-standard '*.md'); do
	grep -o '](\([^)#]*\)' "$file" | sed 's/](//' | grep -v '^http' | grep -v '^$' | while read -r link; do
		[ -e "$(dirname "$file")/$link" ] || echo "$file: dead link: $link" >>"$breaches"
	done || true
done

# -- The glossary is in order, and of words that the code uses ----------------------------------------------------
sed -n '/^## Glossary/,$p' compiler/README.md | sed -n 's/^| \([^|]*\) | .*/\1/p' | grep -v '^word$' >"$breaches.words"
LC_ALL=C sort -f -c "$breaches.words" 2>/dev/null || echo "compiler/README.md: the glossary is not in order" >>"$breaches"
tr ',' '\n' <"$breaches.words" | sed 's/^ *//' | while read -r word; do
	spelled=$(echo "$word" | sed 's/ /[ _]?/g')
	grep -rqiE --include='*.[ch]' --include='*.def' "$spelled" compiler || echo "compiler/README.md: no code speaks of '$word'" >>"$breaches"
done
rm -f "$breaches.words"

cat "$breaches"
[ ! -s "$breaches" ]
