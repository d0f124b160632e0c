# exit 1
$ truncate -s 20M huge.json
check huge.json
