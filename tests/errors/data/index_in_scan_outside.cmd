# exit 1
$ printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<i4', 'fortran_order': False, 'shape': (4, 1), }" > x.npy
$ printf '\000\000\000\000\004\000\000\000\001\000\000\000\005\000\000\000' >> x.npy
$ data "npy('x.npy', test=0)"
$ sed -i 's/"loss".*/"loss": {"w": "param([5, 2], normal)", "h": "scan(x, zeros([1, 2]), next(w))", "y": "mean(h^2)"}, "define": {"next(h, t, w)": "h + gather(w, t, 0)"},/; /coder/d' model.json
check model.json
