# exit 1
$ printf 'PK\003\004\024\000\006\000' >d.xlsx
$ data "csv('d.xlsx')"
check model.json
