# exit 2
run --quiet
