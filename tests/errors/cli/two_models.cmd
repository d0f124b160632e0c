# exit 2
check a.json b.json
