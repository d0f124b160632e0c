"""What PyTorch makes of the checkpoints of checkpoint.py, and of those that sslc has written.

usage: python3 make.py               writes NET.keys.txt (names of the state_dict of PyTorch's net) and NET.npy (what it
                                     computes for images.npy), for each net
       python3 make.py --check SSLC  and of what `SSLC export --names` has written of random weights: load_state_dict(strict=True),
                                     and outputs equal to `SSLC features`
Needs torch, torchvision, timm, transformers, safetensors; the tests need none of them.
"""
import os, subprocess, sys, tempfile
import numpy, torch, torchvision, timm, transformers
from safetensors.torch import load_file
import checkpoint

here = os.path.dirname(os.path.abspath(__file__))
image = {"image_size": 32, "patch_size": 8, "num_channels": 3}
vit = transformers.ViTConfig(hidden_size=48, num_hidden_layers=3, num_attention_heads=3, intermediate_size=192,
                             layer_norm_eps=1e-6, num_labels=10, **image)
NETS = {  # table of names: model of sslc, PyTorch's net
    "torchvision": ("resnet18", lambda: torchvision.models.resnet18(num_classes=10)),
    "vit-timm": ("vit", lambda: timm.models.VisionTransformer(img_size=32, patch_size=8, embed_dim=48, depth=3, num_heads=3, num_classes=10)),
    "vit-torchvision": ("vit", lambda: torchvision.models.VisionTransformer(32, 8, 3, 3, 48, 192, num_classes=10)),
    "vit-transformers": ("vit", lambda: transformers.ViTForImageClassification(vit)),
}


def outputs(net):
    x = torch.from_numpy(numpy.load(f"{here}/images.npy").astype(numpy.float32) / 255).permute(0, 3, 1, 2)
    with torch.no_grad():
        y = net.double().eval()(x.double())
    return (y if torch.is_tensor(y) else y.logits).numpy().astype(numpy.float32)


def make():
    rng = numpy.random.default_rng(0)
    numpy.save(f"{here}/images.npy", rng.integers(0, 256, (4, 32, 32, 3)).astype(numpy.uint8))
    for name, (_, build) in NETS.items():
        net = build()
        types = {torch.float32: "F32", torch.int64: "I64"}
        with open(f"{here}/{name}.keys.txt", "w") as out:
            for key, t in net.state_dict().items():
                print(key, types[t.dtype], *t.shape, file=out)
        state = {k[0]: torch.from_numpy(checkpoint.tensor(*k)) for k in checkpoint.keys(f"{here}/{name}.keys.txt")}
        net.load_state_dict(state, strict=True)
        numpy.save(f"{here}/{name}.npy", outputs(net))


def check(sslc):
    os.chdir(tempfile.mkdtemp())
    for name, (model, build) in NETS.items():
        table = name.removeprefix("vit-")
        for file in (f"{model}.json", "images.npy"):
            with open(f"{here}/{file}", "rb") as a, open(file, "wb") as b:
                b.write(a.read())
        subprocess.run([sslc, "run", f"{model}.json", "--out", "run", "--steps", "3", "--quiet"], check=True)
        weights = "run/checkpoint.safetensors"
        subprocess.run([sslc, "export", f"{model}.json", "--weights", weights, "--names", table, "--out", "theirs.safetensors"], check=True)
        subprocess.run([sslc, "features", f"{model}.json", "--checkpoint", weights, "--out", "y.npy"], check=True)
        net = build()
        net.load_state_dict(load_file("theirs.safetensors"), strict=True)
        ours, theirs = numpy.load("y.npy"), outputs(net)
        wrong = abs(ours - theirs).max() / abs(theirs).max()
        print(f"{name}: strict, outputs differ by {wrong:.2g} of the largest")
        assert wrong < 1e-5


if __name__ == "__main__":
    check(os.path.realpath(sys.argv[2])) if sys.argv[1:2] == ["--check"] else make()
