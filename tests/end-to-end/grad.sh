#!/bin/sh
# grad.sh: sslc grad says of right gradients that they are right, where finite differences are hard to take: kinks
# everywhere, values held by stop_gradient, gradients that are 0 but for rounding.
# usage: grad.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

agrees() {
	"$sslc" grad --samples 12 "$1" >out 2>&1 || {
		cat out
		echo "$1: the gradients are right"
		exit 1
	}
}

agrees "$root/models/autoencoder.json"

# SimSiam (Chen & He 2021): what stop_gradient holds follows from trained parameters. A bias before a batch norm
# has gradient 0.
cat >simsiam.json <<'END'
{"data": "normal(24, 12, seed=1)", "pretext": {"a": "gaussian_noise(x, 0.3)", "b": "mask(x, 0.4)"},
 "encoder": ["linear(9)", "batch_norm", "relu", "linear(6)"], "predictor": ["linear(5)", "relu", "linear(6)"],
 "loss": "negative_cosine(predictor(encoder(a)), encoder(b)) + negative_cosine(predictor(encoder(b)), encoder(a))",
 "train": {"batch": 24, "epochs": 1}}
END
agrees simsiam.json

# Some 10^4 kinks in every direction, each branch of every operation that has one; gradients in the loss.
cat >kinks.json <<'END'
{"data": "normal(200, 16, seed=2)",
 "encoder": ["linear(32)", "relu", "linear(24)", "relu", "linear(16)"],
 "define": {"branches(z, x)": "mean(abs(z)) + mean(reduce_max(z, -1)) + mean(max(z, mask(x, 0.5))) + mean(min(z % 0.7, 0.2))"},
 "loss": "vicreg(encoder(x), encoder(gaussian_noise(x, 0.1))) + branches(encoder(x), x) + mean(grad(sum(encoder(x)), x)^2)",
 "train": {"batch": 200, "epochs": 1}}
END
agrees kinks.json
