#!/bin/sh
# What is installed serves others: programs of someone else, in C and C++, build with find_package and with pkg-config, from a prefix that
# was moved, and run. The manual page and the completions have every command and option,
# and the Debian packages hold what an installation does.
# usage: install.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
build=$(dirname "$sslc")
user=$root/tests/install

quietly() { "$@" >log 2>&1 || die "$*: $(cat log)"; }

quietly cmake --install "$build" --prefix "$temp/first"
mv first prefix
[ "$(prefix/bin/sslc --version)" = "$("$sslc" --version)" ] || die "the installed sslc is another one"

quietly cmake -S "$user" -B both -DCMAKE_PREFIX_PATH="$temp/prefix" -DCMAKE_BUILD_TYPE=Release
quietly cmake --build both
quietly both/compiler
quietly both/runtime
quietly both/program
quietly cmake -S "$user" -B alone -DCMAKE_PREFIX_PATH="$temp/prefix" -DRUNTIME_ALONE=ON
quietly cmake --build alone
quietly alone/runtime

PKG_CONFIG_PATH=$(dirname "$(find "$temp/prefix" -name sslc.pc)")
export PKG_CONFIG_PATH
for part in compiler:sslc runtime:sslc-runtime; do
	program=${part%:*}
	package=${part#*:}
	quietly cc -std=c17 -Wall -Werror "$user/$program.c" -o "$program" $(pkg-config --cflags --libs "$package")
	quietly "./$program"
done
! ldd runtime | grep -q LLVM || die "the runtime alone links LLVM"

# a stranger without the sources has the language, its library and the license
cmp prefix/share/doc/sslc/README.md "$root/models/README.md"
for file in "$root"/models/lib/*.json; do cmp "prefix/share/doc/sslc/lib/${file##*/}" "$file"; done
for package in sslc libsslc-dev; do cmp prefix/share/doc/$package/copyright "$root/LICENSE"; done

# -- The manual page and the completions ------------------------------------------------------------------------------

share=prefix/share
commands=$("$sslc" help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
for command in $commands; do
	for option in $("$sslc" help "$command" | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
		echo "$command $option"
	done
done >options

if command -v man >/dev/null; then
	MANWIDTH=200 LC_ALL=C.UTF-8 man --warnings -l $share/man/man1/sslc.1 2>warnings | col -b >page
	[ ! -s warnings ] || die "man warns: $(cat warnings)"
	while read -r command option; do
		sed -n "/^   sslc $command\$/,/^   sslc/p" page | grep -q -e "^       --$option\>" || die "man sslc: no --$option of $command"
	done <options
	for reader in npy npz csv images lines audio; do
		grep -q "^       $reader(" page || die "man sslc: says nothing of $reader()"
	done
fi

completed() { # WORD ...: what bash makes of the last
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sslc; printf "%s\n" "${COMPREPLY[@]}"' - \
		$share/bash-completion/completions/sslc "$@"
}
if command -v bash >/dev/null; then
	[ "$(completed sslc comp)" = compile ] || die "bash: sslc comp"
	[ "$(completed sslc '')" = "$commands" ] || die "bash: sslc"
	for command in $commands; do
		sed -n "s/^$command /--/p" options >want
		completed sslc "$command" -- | diff want - || die "bash: sslc $command --"
	done
	mkdir folder
	touch model.json model.txt
	[ "$(completed sslc check mo)" = model.json ] || die "bash: models"
	[ "$(completed sslc features --checkpoint model.t)" = model.txt ] || die "bash: files"
	[ "$(completed sslc dump --stage = autod)" = autodiff ] || die "bash: stages"
fi
for shell in zsh:zsh/site-functions/_sslc fish:fish/vendor_completions.d/sslc.fish; do
	! command -v ${shell%:*} >/dev/null || quietly ${shell%:*} -n $share/${shell#*:}
done

# -- The Debian packages -------------------------------------------------------------------------------------------------

if command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null; then
	quietly cpack --config "$build/CPackConfig.cmake" -G DEB -B deb
	for package in deb/*.deb; do dpkg-deb -x "$package" root; done
	(cd root/usr && find . ! -type d | sort) >packed
	(cd prefix && find . ! -type d | sort) | diff - packed || die "the packages hold other files"
	[ "$(root/usr/bin/sslc --version)" = "$("$sslc" --version)" ] || die "the packed sslc is another one"
	dpkg-deb -f deb/sslc_*.deb Depends | grep -q libcjson1 || die "the package does not name the libraries it needs"
fi
