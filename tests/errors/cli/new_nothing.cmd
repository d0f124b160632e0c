# exit 2
new
