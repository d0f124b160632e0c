"""The truth that tests/unit/test_optimizers.c holds the optimizers against that ask something of all parameters, or of the
loss at other weights: six steps of a small network with batch norm, in double, by the packages that their authors and
others published. Writes truth.safetensors: x and target of each step, start/PARAMETER, and for a case CASE/loss and
CASE/STATE after each step, along axis 0. Weights of linear layers lie as ours do, [in, out].

python3 make.py   (PyTorch 2, NumPy, safetensors; schedulefree 1.4.1, prodigyopt 1.1.2, pytorch_optimizer)
"""

import math
import pathlib
from types import SimpleNamespace

import numpy as np
import prodigyopt
import pytorch_optimizer
import schedulefree
import torch
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
STEPS = 6
rng = np.random.default_rng(11)
draw = lambda *shape: torch.from_numpy(rng.standard_normal(shape)).double()
x, target = draw(STEPS, 8, 5), draw(STEPS, 8, 3)
START = {
    "encoder.0.w": draw(5, 4) * 0.5,
    "encoder.0.b": draw(4) * 0.1,
    "encoder.2.scale": 1 + draw(4) * 0.1,
    "encoder.2.shift": draw(4) * 0.1,
    "encoder.3.w": draw(4, 3) * 0.5,
    "encoder.3.b": draw(3) * 0.1,
}
truth = {"x": x, "target": target} | {f"start/{k}": v for k, v in START.items()}


def squares(groups, weight_adaptive=False):
    """As pytorch_optimizer has it, which rounds to f32."""
    weigh = lambda group, p: p.abs() if weight_adaptive and group.get("adaptive") else 1
    return sum(((weigh(g, p) * p.grad) ** 2).sum() for g in groups for p in g["params"]).reshape(1)


pytorch_optimizer.optimizer.sam.get_global_gradient_norm = squares


def network():
    net = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3)).double()
    with torch.no_grad():
        for name, value in START.items():
            tensor_of(net, name).copy_(value.T if name.endswith(".w") else value)
    return net


def tensor_of(net, name):
    _, layer, part = name.split(".")
    return getattr(net[int(layer)], {"w": "weight", "b": "bias", "scale": "weight", "shift": "bias"}.get(part, part))


def loss_of(net, step):
    return ((net(x[step]) - target[step]) ** 2).mean()


def vectors_apart(net, decay):
    """Our weight decay leaves out what has one axis."""
    return [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in net.parameters() if p.ndim == 1], "weight_decay": 0},
    ]


def case(name, net, step, before=lambda: None, after=lambda: None):
    """step(t) moves the weights and gives the loss; what is kept are those between before() and after()."""
    kept = {}
    for t in range(STEPS):
        kept.setdefault("loss", []).append(step(t).detach().clone())
        before()
        for state in list(START) + ["encoder.2.running_mean", "encoder.2.running_var"]:
            value = tensor_of(net, state).detach().clone()
            kept.setdefault(state, []).append(value.T if state.endswith(".w") else value)
        after()
    truth.update({f"{name}/{k}": torch.stack(v) for k, v in kept.items()})


def without_statistics(net, compute):
    """The second pass of SAM, as its authors have it: running statistics stay those of the first."""
    net[2].momentum = 0
    result = compute()
    net[2].momentum = 0.1
    return result


def sharpness_aware(name, adaptive):
    net = network()
    optimizer = pytorch_optimizer.SAM(net.parameters(), torch.optim.SGD, rho=0.3, adaptive=adaptive, lr=0.1, momentum=0.9)

    def step(t):
        optimizer.zero_grad()
        loss = loss_of(net, t)
        loss.backward()
        optimizer.first_step(zero_grad=True)
        without_statistics(net, lambda: loss_of(net, t)).backward()
        optimizer.second_step()
        return loss

    case(name, net, step)


def surrogate_gap():
    net = network()
    base = torch.optim.Adam(net.parameters(), lr=0.05)
    optimizer = pytorch_optimizer.GSAM(net.parameters(), base, net, SimpleNamespace(step=lambda: 0.3), alpha=0.4)

    def step(t):
        base.zero_grad()
        loss = loss_of(net, t)
        loss.backward()
        optimizer.perturb_weights(0.3)
        base.zero_grad()
        without_statistics(net, lambda: loss_of(net, t)).backward()
        optimizer.gradient_decompose(0.4)
        optimizer.un_perturb()
        base.step()
        return loss

    case("gsam", net, step)


def plain(name, net, optimizer):
    def step(t):
        optimizer.zero_grad()
        loss = loss_of(net, t)
        loss.backward()
        optimizer.step()
        return loss

    case(name, net, step)


def prodigy(name, decay, **how):
    net = network()
    plain(name, net, prodigyopt.Prodigy(vectors_apart(net, decay), **how))


def schedule_free(name, kind, decay, count=1, rate=None, limit=None, **how):
    """The loss and the running statistics are those at the averaged weights, which are kept; gradients are at the others. Of
    rate(t), if it is given, at step t; limit: of the norm of the gradients."""
    net, other = network(), network()
    optimizer = kind(vectors_apart(other, decay), **how)

    def step(t):
        for group in optimizer.param_groups if rate else []:
            group["lr"] = rate(t)
        optimizer.train()
        if t % count == 0:
            optimizer.zero_grad()
        (loss_of(other, t) / count).backward()
        loss = loss_of(net, t)
        if limit:
            torch.nn.utils.clip_grad_norm_(other.parameters(), limit)
        if t % count == count - 1:
            optimizer.step()
        return loss

    def average():
        optimizer.eval()
        with torch.no_grad():
            for own, theirs in zip(net.parameters(), other.parameters()):
                own.copy_(theirs)

    case(name, net, step, average)


def averaged(name, move, loss_of=loss_of):
    """Averages of the weights that another optimizer moves, by move(net, t); the loss and the running statistics are theirs."""
    net, other = network(), network()
    optimizer = torch.optim.Adam(other.parameters(), lr=0.05)

    def step(t):
        optimizer.zero_grad()
        move(other, t)
        optimizer.step()
        return loss_of(net, t)

    def average():
        with torch.no_grad():
            for own, theirs in zip(net.parameters(), other.parameters()):
                own.lerp_(theirs, 0.2)

    case(name, net, step, average)


def sharp(net, losses, t):
    """The gradient of losses(net, t) where it is steepest (Foret et al. 2021), with rho 0.3."""
    weights = list(net.parameters())
    gradients = torch.autograd.grad(losses(net, t), weights)
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    up = [0.3 / (norm + 1e-12) * g for g in gradients]
    with torch.no_grad():
        [p.add_(u) for p, u in zip(weights, up)]
    gradients = torch.autograd.grad(losses(net, t), weights)
    with torch.no_grad():
        [p.sub_(u) for p, u in zip(weights, up)]
    return gradients


def set_gradients(net, gradients):
    for p, g in zip(net.parameters(), gradients):
        p.grad = g


def clipped_after():
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def step(t):
        if t % 2 == 0:
            optimizer.zero_grad()
        loss = loss_of(net, t)
        (loss / 2).backward()
        if t % 2 == 1:
            torch.nn.utils.clip_grad_norm_(net.parameters(), 0.1)
            optimizer.step()
        return loss

    case("clipped_after", net, step)


def polyak():
    """Stochastic Polyak steps (Loizou et al. 2021), by their formula."""
    net = network()

    def step(t):
        net.zero_grad()
        loss = loss_of(net, t)
        loss.backward()
        with torch.no_grad():
            rate = loss / sum((p.grad**2).sum() for p in net.parameters())
            for p in net.parameters():
                p.sub_(rate * p.grad)
        return loss

    case("polyak", net, step)


def by_gradients(name, direction):
    """direction(net, t, loss, gradients) -> what each weight moves by."""
    net = network()

    def step(t):
        loss = loss_of(net, t)
        weights = list(net.parameters())
        moves = direction(net, t, weights, torch.autograd.grad(loss, weights, create_graph=True))
        with torch.no_grad():
            for p, move in zip(weights, moves):
                p.sub_(move)
        return loss

    case(name, net, step)


def curved(net, t, weights, gradients):
    """Along the gradient and the Hessian times cos(5 w)."""
    along = sum((g * torch.cos(5 * p).detach()).sum() for p, g in zip(weights, gradients))
    return [0.1 * g.detach() + 0.05 * h for g, h in zip(gradients, torch.autograd.grad(along, weights))]


def ahead(net, t, weights, gradients):
    """The gradient, by the weights, of the loss after a step of gradient descent (Finn et al. 2017)."""
    moved = {name: p - 0.2 * g for (name, p), g in zip(net.named_parameters(), gradients)}
    output = without_statistics(net, lambda: torch.func.functional_call(net, moved, x[t]))
    return [0.1 * g for g in torch.autograd.grad(((output - target[t]) ** 2).mean(), weights)]


def curved_ahead(net, t, weights, gradients):
    """Along the gradient there, after such a step: its gradient by the weights before it."""
    moved = {name: p - 0.2 * g for (name, p), g in zip(net.named_parameters(), gradients)}
    output = without_statistics(net, lambda: torch.func.functional_call(net, moved, x[t]))
    there = torch.autograd.grad(((output - target[t]) ** 2).mean(), list(moved.values()), create_graph=True)
    along = sum((h * torch.cos(5 * p).detach()).sum() for p, h in zip(weights, there))
    return [0.1 * g.detach() + 0.05 * h for g, h in zip(gradients, torch.autograd.grad(along, weights))]


ONE = lambda net, t: ((net(x[t]) - target[t]) ** 2).mean()
TWO = lambda net, t: ((net(x[t]) + 2 * target[t]) ** 2).mean()
both = lambda net, t: (lambda y: ((y - target[t]) ** 2).mean() + ((y + 2 * target[t]) ** 2).mean())(net(x[t]))
plainly = lambda net, losses, t: torch.autograd.grad(losses(net, t), list(net.parameters()))


def agreed(net, t, gradient):
    """PCGrad (Yu et al. 2020) of two losses, by its algorithm 1: each gradient without what is against the other one."""
    weights = list(net.parameters())
    a, b = (torch.cat([g.flatten() for g in gradient(net, losses, t)]) for losses in (ONE, TWO))
    first = a - torch.clamp(a @ b, max=0) / (b @ b) * b
    second = b - torch.clamp(a @ b, max=0) / (a @ a) * a
    return [m.reshape(p.shape) for p, m in zip(weights, torch.split(first + second, [p.numel() for p in weights]))]


def conflicting(name, gradient):
    """The running statistics are those of one pass, at the weights as they are."""
    net = network()

    def step(t):
        loss = both(net, t)
        moves = without_statistics(net, lambda: agreed(net, t, gradient))
        with torch.no_grad():
            for p, move in zip(net.parameters(), moves):
                p.sub_(0.1 * move)
        return loss

    case(name, net, step)


sharpness_aware("sam", False)
sharpness_aware("asam", True)
surrogate_gap()
prodigy("prodigy", 0, d0=1e-3)
prodigy("prodigy_decay", 0.1, lr=0.5, d0=1e-2, betas=(0.8, 0.95), d_coef=2)
schedule_free("schedule_free", schedulefree.AdamWScheduleFree, 0.1, lr=0.05, betas=(0.8, 0.99), warmup_steps=4)
schedule_free("schedule_free_two", schedulefree.AdamWScheduleFree, 0, 2, lr=0.05)
rising = lambda t: 0.05 - 0.025 * (1 + math.cos(math.pi * t / STEPS))
schedule_free("schedule_free_from_0", schedulefree.AdamWScheduleFree, 0, rate=rising)
schedule_free("schedule_free_sgd", schedulefree.SGDScheduleFree, 0, lr=0.5, momentum=0.8)
averaged("averaged", lambda net, t: loss_of(net, t).backward())
clipped_after()
polyak()
by_gradients("curved", curved)
by_gradients("ahead", ahead)
by_gradients("curved_ahead", curved_ahead)
conflicting("pcgrad", plainly)
schedule_free("clipped_schedule_free", schedulefree.AdamWScheduleFree, 0.1, limit=0.1, lr=0.05, betas=(0.8, 0.99))
averaged("sam_averaged", lambda net, t: set_gradients(net, sharp(net, loss_of, t)))
conflicting("sam_pcgrad", sharp)
averaged("averaged_pcgrad", lambda net, t: set_gradients(net, agreed(net, t, plainly)), both)
save_file({k: np.ascontiguousarray(v.numpy()) for k, v in truth.items()}, HERE / "truth.safetensors")
