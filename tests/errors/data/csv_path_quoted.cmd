# exit 1
$ printf 'a,Bob'"'"'s age\n1,2\n3,x\n' >"Ann's table.csv"
$ data "csv('Ann''s table.csv', columns='Bob''s age')"
check model.json
