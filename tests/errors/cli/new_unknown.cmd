# exit 2
new simcrl
