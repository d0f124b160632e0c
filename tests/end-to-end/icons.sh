#!/bin/sh
# models/vision/icons.json on the icons that Debian installs: its samples, classes and splits, and a few steps.
# Exit code 77 where they are not installed.
# usage: icons.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"
model=$root/models/vision/icons.json
for theme in oxygen mate gnome Adwaita nuoveXT2; do
	[ -d /usr/share/icons/$theme/48x48 ] || [ -d /usr/share/icons/$theme/base/48x48 ] || {
		echo "SKIPPED, for lack of icons: apt-get install oxygen-icon-theme mate-icon-theme gnome-icon-theme adwaita-icon-theme lxde-icon-theme"
		exit 77
	}
done
"$sslc" run "$model" --steps 2 --out few >out 2>&1 || { cat out; exit 1; }
grep -q '2176 train, 419 test: x u8\[32,32,3\] label i32\[\], 9 classes' out &&
	grep -q '2356 copies of other samples are left out' out || { cat out; exit 1; }
