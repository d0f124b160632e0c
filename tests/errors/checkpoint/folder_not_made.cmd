# exit 4
run model.json --out /proc/nowhere/out
