# exit 1
check /dev/zero
