# exit 1
$ printf '\223NUMPY\001\000\166\000%-117s\n12345678' "{'descr': '<f4', 'fortran_order': False, 'shape': (100, 4), }" > images.npy
$ data "npy('images.npy')"
check model.json
