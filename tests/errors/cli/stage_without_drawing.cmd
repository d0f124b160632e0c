# exit 2
dump --stage=llvm --dot model.json
