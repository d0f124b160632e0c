#!/bin/sh
# The cache of compiled code never changes a result: cold, warm, switched off, damaged, shared by several processes, not
# writable; and another processor's code is not taken for this one's.
# usage: object_cache.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
trap 'chmod -R u+w "$temp"; rm -rf "$temp"' EXIT
losses() { sed 's/, "seconds": [^}]*//' "$1/metrics.jsonl"; }
train() { # name, cache, more options
	name=$1 cache=$2
	shift 2
	SSLC_CACHE=$cache "$sslc" run "$root/models/autoencoder.json" --quiet --out "$name" "$@"
}
same() { losses "$1" | cmp - want || { echo "$2"; exit 1; }; }

train off off
losses off >want
[ ! -e cache ]
train cold "$temp/cache"
same cold "the cold cache changed the losses"
files=$(ls cache | wc -l)
[ "$files" -ge 3 ]
train warm "$temp/cache"
same warm "the warm cache changed the losses"
[ "$(ls cache | wc -l)" = "$files" ]

for file in cache/*; do
	printf '\377' | dd of="$file" bs=1 seek=3000 conv=notrunc 2>/dev/null
done
train damaged "$temp/cache"
same damaged "a damaged cache changed the losses"
for file in cache/*; do
	head -c 100 "$file" >short && mv short "$file"
done
train short "$temp/cache"
same short "a cache of cut files changed the losses"
for file in cache/*; do [ "$(wc -c <"$file")" -gt 100 ] || { echo "a cut file was not written anew"; exit 1; }; done

rm -r cache
for i in 1 2 3 4 5; do train "shared$i" "$temp/cache" & done
wait
for i in 1 2 3 4 5; do same "shared$i" "processes that share a cache disturb each other"; done

echo text >file
train nowhere "$temp/file/below"
same nowhere "a cache that cannot be made changed the losses"

train other "$temp/cache" --cpu x86-64
[ "$(ls cache | wc -l)" -gt "$files" ] || { echo "another processor's code came from the cache"; exit 1; }

# -- Only what is this user's is executed -----------------------------------------------------------------------

compiles() { # name, cache: whether a run with this cache compiles, from the times of the stages
	timeout 100 env SSLC_CACHE="$2" "$sslc" run "$root/models/autoencoder.json" --out "$1" --time >"$1.times" 2>"$1.note"
	same "$1" "$1: another cache changed the losses"
	grep -q '^emit' "$1.times"
}
refused() { # name, cache, note
	compiles "$1" "$2" || { echo "$1: took code from a cache that is not to be trusted"; exit 1; }
	grep -q "$3" "$1.note" || { echo "$1: does not say '$3':"; cat "$1.note"; exit 1; }
	[ "$(wc -l <"$1.note")" = 1 ] || { echo "$1: more than one note"; exit 1; }
}
fresh() { # makes the cache anew
	rm -rf cache
	train made "$temp/cache"
	[ "$(stat -c %a cache)" = 700 ] || { echo "the folder has mode $(stat -c %a cache)"; exit 1; }
}

fresh
! compiles trusted "$temp/cache" || { echo "a warm cache was not used"; exit 1; }
[ ! -s trusted.note ]
before=$(cd cache && stat -c '%n %y' *)
chmod 777 cache
refused open "$temp/cache" "can be written by others"
[ "$(cd cache && stat -c '%n %y' *)" = "$before" ] || { echo "an unsafe folder was written to"; exit 1; }
chmod 700 cache
ln -s cache link
refused link "$temp/link" "is a symbolic link"
refused plain "$temp/file" "Not a directory"
if [ "$(id -u)" = 0 ]; then
	chown 65534 cache
	refused owner "$temp/cache" "belongs to another user"
	chown 0 cache
	chown 65534 cache/*
	compiles owners "$temp/cache" || { echo "took another user's files"; exit 1; }
	fresh
fi
for file in cache/*; do chmod 666 "$file"; done
compiles modes "$temp/cache" || { echo "took files that others can write"; exit 1; }
[ "$(stat -c %a cache/* | sort -u)" = 600 ] || { echo "such files were not written anew"; exit 1; }
mkdir elsewhere
for file in cache/*; do mv "$file" elsewhere/ && ln -s "../elsewhere/${file#cache/}" "$file"; done
compiles links "$temp/cache" || { echo "followed symbolic links"; exit 1; }
for file in cache/*; do rm "$file" && mkfifo "$file"; done
compiles pipes "$temp/cache" || { echo "read pipes"; exit 1; }
for file in cache/*; do rm -r "$file" && mkdir "$file"; done
compiles folders "$temp/cache" || { echo "read folders"; exit 1; }

# Pruning: files of another name stay, however large and old; what a killed process left goes.
fresh
mine=0123456789abcdef0123456789abcdef
for name in notes.o "$mine.old.o" "$mine.o.bak" "$mine.o" "$mine.o.77"; do
	truncate -s 600M "cache/$name"
	touch -d '2 days ago' "cache/$name"
done
mv "cache/$mine.o.77" "cache/$mine.o.78" && truncate -s 5 "cache/$mine.o.78" && touch -d '2 days ago' "cache/$mine.o.78"
truncate -s 600M "cache/f$(echo $mine | cut -c 2-).o"
train pruned "$temp/cache" --cpu x86-64-v2
for name in notes.o "$mine.old.o" "$mine.o.bak"; do [ -e "cache/$name" ] || { echo "$name was deleted"; exit 1; }; done
for name in "$mine.o" "$mine.o.78"; do [ ! -e "cache/$name" ] || { echo "$name was not pruned"; exit 1; }; done
