# exit 1
$ printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<i4', 'fortran_order': False, 'shape': (4, 1), }" > x.npy
$ printf '\000\000\000\000\005\000\000\000\001\000\000\000\004\000\000\000' >> x.npy
$ data "npy('x.npy')"
$ sed -i 's/"linear(2)"/"embedding(7, 2)"/; s/"linear(4)"/"embedding(5, 2)"/; s/"loss".*/"loss": "mean(encoder(x)^2) + mean(decoder(x)^2)",/' model.json
check model.json
