#!/bin/sh
# grad.sh: sslc grad says of right gradients that they are right, where finite differences are hard to take: kinks
# everywhere, values held by stop_gradient, gradients that are 0 but for rounding.
# usage: grad.sh <path to sslc>
. "$(dirname "$0")/shared/begin.sh"

agrees() {
	"$sslc" grad --samples 12 "$@" >out 2>&1 || {
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

# A loss that is 0 whatever the weights are, as the difference of terms that are not: one sample has nothing to be told from.
cat >alone.json <<'END'
{"data": "normal(8, 6, seed=0)", "encoder": ["linear(9)", "tanh", "linear(5)"], "projector": ["linear(3)"],
 "loss": "info_nce(encoder(x), encoder(2 * x)) + clip_loss(projector(x), projector(x^2)) + cross_entropy(slice(encoder(x), 1, 0, 1), iota([1]))",
 "train": {"epochs": 1, "batch": 1}}
END
for seed in 0 1 2 3 4 5 6 7 8 9; do agrees alone.json --seed $seed; done

# What is not finite is said of the point, not of the rules: which gradient, what makes it; 3 is the exit code.
says() { # LOSS SAID
	cat >point.json <<-END
		{
		  "data": "normal(8, 6, seed=0)",
		  "define": {"scaled(x, start)": {"w": "param([6], start)", "y": "x * w"}},
		  "encoder": ["linear(6)"],
		  "loss": "$1",
		  "train": {"epochs": 4, "batch": 4}
		}
	END
	code=0
	"$sslc" grad point.json >out 2>&1 || code=$?
	[ $code = 3 ] && grep -qF "$2" out && ! grep -q WRONG out || {
		cat out
		echo "$1: exit code $code, but not: $2"
		exit 1
	}
}
says "mean(encoder(x)) + mean(sqrt(scaled(x, 0)^2))" \
	"at this point the gradient by 'loss.scaled.w' is not finite: 0.0208333 / 0 is infinity, in the gradient (point.json:5:36)"
grep -q '^loss.scaled.w .* not finite: 6 of 6$' out
says "mean(encoder(x)) + log(0 * mean(scaled(x, 0)))" "the loss is infinite at this point, so it has no gradient: log(0) is"
says "mean(encoder(x)) + mean(log(max(scaled(ones([6]), 0), 0) + 1e-300 * scaled(ones([6]), 0)))" "so it has no gradient"

# Close to where the loss ends the step is shorter: the slope of log(w) is known at 5e-5.
cat >edge.json <<'END'
{"data": "normal(8, 6, seed=0)", "define": {"scaled(x)": {"w": "param([6], 5e-5)", "y": "log(w) + 0 * x"}}, "encoder": ["scaled"],
 "loss": "mean(encoder(x))", "train": {"epochs": 1, "batch": 4}}
END
agrees edge.json
