# exit 1
$ printf '\223NUMPY\001\000\166\000%-117s\n12345678' "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1), }" > images.npy
$ data "npy('images.npy')"
check model.json
