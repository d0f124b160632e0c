# refused.sh: read by scripts that hold `sslc` against misuse; $sslc is its path.

# fails CODE TEXT WORDS...: sslc WORDS ends with that code, and TEXT is in what it says.
fails() {
	code=$1 text=$2
	shift 2
	got=0
	"$sslc" "$@" >out.txt 2>err.txt || got=$?
	[ "$got" = "$code" ] && grep -qF -- "$text" err.txt || {
		echo "$*: exit code $got, and:"
		cat err.txt
		exit 1
	}
}

# refused CODE WORDS...: the same; all that it says is on stdin, but for lines of the model file.
refused() {
	want=$1
	shift
	cat >want
	code=0
	"$sslc" "$@" >out 2>err || code=$?
	grep -v '^ *[0-9]* |\|^ *|' err >shown || true
	[ $code = $want ] && diff want shown && return
	echo "$*: code $code for $want, or another message"
	exit 1
}
