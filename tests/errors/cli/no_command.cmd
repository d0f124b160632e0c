# exit 2

