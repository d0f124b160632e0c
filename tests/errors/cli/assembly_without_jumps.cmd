# exit 1
dump --stage=asm --dot --target=wasm32 model.json
