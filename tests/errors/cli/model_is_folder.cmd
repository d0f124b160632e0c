# exit 1
$ mkdir models
check models
