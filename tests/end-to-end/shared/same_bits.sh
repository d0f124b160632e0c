# same_bits.sh: read after begin.sh. Makes model.json, small and of odd sizes, with the given line ("precision": ...) besides; one,
# two and seven threads must train it to the same bytes, in out1, out2 and out7.
same_bits() { # [LINE]
	cat >model.json <<-MODEL
		{
		  "name": "threads",
		  "data": "normal(600, 130, seed=1)",
		  "encoder": ["linear(257)", "relu", "linear(31)"],
		  "decoder": ["linear(130)"],
		  "loss": "mse(decoder(encoder(x)), x)",
		  ${1:-}
		  "train": {"epochs": 3, "batch": 200}
		}
	MODEL
	for threads in 1 2 7; do
		"$sslc" run model.json --quiet --threads $threads --out out$threads
		for file in checkpoint.safetensors features.npy; do
			cmp out1/$file out$threads/$file || die "$file differs between 1 and $threads threads"
		done
	done
}
