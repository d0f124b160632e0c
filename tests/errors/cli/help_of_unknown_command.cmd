# exit 2
help dmup
