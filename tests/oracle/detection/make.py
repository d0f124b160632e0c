"""The truth of cases.def beside this file: torchvision for boxes, losses and suppression, pycocotools for average precision,
in the form of ../vision/make.py.

python3 make.py   (PyTorch, torchvision, torchmetrics, pycocotools, safetensors; made with 2.15, 0.29, 1.9 and 2.0.11)
"""

import contextlib
import io
import pathlib
import types

import numpy as np
import torch
import torchmetrics.detection
import torchvision.ops as ops
import torchvision.transforms.functional as T
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from safetensors.numpy import save_file
from torchvision.models.detection.fcos import FCOS, FCOSHead

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(31)
truth = {}


def array(x):
    x = np.asarray(x.detach() if isinstance(x, torch.Tensor) else x)
    return np.ascontiguousarray(x.astype(np.int32 if x.dtype.kind in "iub" else np.float64))


def put(name, want, **inputs):
    truth[f"{name}/want"] = array(want)
    for key, value in inputs.items():
        truth[f"{name}/in/{key}"] = array(value)


def put_loss(name, loss, by, **inputs):
    """Stores loss(**inputs) and its gradients by the inputs that `by` names."""
    leaves = {k: v.clone().requires_grad_(k in by) for k, v in inputs.items()}
    want = loss(**leaves)
    want.backward()
    put(name, want, **inputs)
    for key in by:
        truth[f"{name}/grad/{key}"] = array(leaves[key].grad)


def boxes(*shape, size=40):
    low = rng.random((*shape, 2)) * size
    return torch.from_numpy(np.concatenate([low, low + 2 + rng.random((*shape, 2)) * size / 2], -1))


def overlaps():
    a, b = boxes(7), boxes(5)
    b[0] = a[0]  # the same
    b[1] = a[1] + torch.tensor([100.0, 0, 100, 0])  # apart
    b[2] = torch.tensor([3.0, 3, 3, 9])  # of no width
    put("box_iou", ops.box_iou(a, b), a=a, b=b)
    put("box_iou_batch", torch.stack([ops.box_iou(a[:3], b), ops.box_iou(a[3:6], b)]), a=a[:6].reshape(2, 3, 4), b=torch.stack([b, b]))
    c, d = boxes(9), boxes(9)
    c[0] = d[0] + torch.tensor([0.0, 50, 0, 50])
    put("iou", ops.box_iou(c, d).diagonal(), a=c, b=d)
    put_loss("giou", lambda a, b: ops.generalized_box_iou_loss(a, b, "mean"), ["a", "b"], a=c, b=d)
    logits = torch.from_numpy(rng.standard_normal((4, 6)) * 3)
    y = torch.from_numpy((rng.random((4, 6)) < 0.3).astype(float))
    put_loss("focal", lambda x, y: ops.sigmoid_focal_loss(x, y, reduction="mean"), ["x"], x=logits, y=y)
    put_loss("focal_3", lambda x, y: ops.sigmoid_focal_loss(x, y, 0.6, 3.0, "mean"), ["x"], x=logits, y=y)


def padded(*rows, count=3):
    """[count, 5] of boxes and classes; where there is none, a class of -1 and any numbers."""
    none = [[1.0, 2, 30, 40, -1]] * (count - len(rows))
    return torch.tensor([*(list(map(float, r)) for r in rows), *none])


def detection_loss():
    """The loss of torchvision's FCOS, on one level of 5 x 7 cells of 4 pixels."""
    rows, columns, stride, classes = 5, 7, 4, 3
    there = torch.stack([
        padded((2, 1, 13, 16, 0), (5.5, 4, 27, 12.25, 2), (8, 2, 16, 10, 1)),  # they overlap
        padded((0, 0, 28, 20, 1)),
        padded(),
        padded((3, 3, 4, 4, 2), (10, 8, 18.5, 19, 0)),  # one is too small for any cell
    ]).double()
    n = len(there)
    out = torch.from_numpy(rng.standard_normal((n, rows, columns, classes + 5)))
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    middle = np.stack([x.ravel(), y.ravel()], -1) * stride + stride / 2
    anchors = torch.from_numpy(np.concatenate([middle - stride / 2, middle + stride / 2], -1))

    def loss(map, boxes):
        flat = map.reshape(n, -1, classes + 5)
        head = FCOSHead(32, 1, classes, 1)
        model = types.SimpleNamespace(center_sampling_radius=1.5, head=head)
        outputs = {"cls_logits": flat[..., :classes], "bbox_regression": flat[..., classes:-1].exp(), "bbox_ctrness": flat[..., -1:]}
        targets = [{"boxes": b[b[:, 4] >= 0, :4], "labels": b[b[:, 4] >= 0, 4].long()} for b in boxes]
        parts = FCOS.compute_loss(model, targets, outputs, [anchors] * n, [rows * columns])
        return sum(parts.values())

    put_loss("detection_loss", loss, ["map"], map=out, boxes=there)
    put_loss("detection_loss_none", loss, ["map"], map=out, boxes=torch.stack([padded()] * n).double())

    flat = out.reshape(n, -1, classes + 5)
    score, label = flat[..., :classes].max(-1)
    score = (score.sigmoid() * flat[..., -1].sigmoid()).sqrt()
    d = flat[..., classes:-1].exp() * stride
    at = torch.from_numpy(middle)
    box = torch.cat([at - d[..., :2], at + d[..., 2:]], -1)
    want = torch.zeros(n, 9, 6).double()
    want[..., 4] = -1
    for i in range(n):
        best = score[i].topk(20).indices
        kept = best[ops.batched_nms(box[i, best], score[i, best], label[i, best], 0.3)][:9]
        want[i, : len(kept)] = torch.cat([box[i, kept], label[i, kept, None], score[i, kept, None]], -1)
    put("detections", want, map=out)


def found(n, k, classes, size=30):
    b = boxes(n, k, size=size)
    return torch.cat([b, torch.from_numpy(rng.integers(0, classes, (n, k, 1))).double(), torch.from_numpy(rng.random((n, k, 1)))], -1)


def suppression():
    for name, overlap, size in (("nms", 0.5, 12), ("nms_low", 0.1, 30)):
        x = found(4, 11, 2, size)
        x[0, :4, 5] = 0.5  # ties: the first wins
        x[1, 3] = x[1, 7]  # the same twice
        want = torch.zeros(4, 11)
        for i, v in enumerate(x):
            # batched_nms moves the boxes of each class apart; its results are of the order of scores
            want[i, ops.batched_nms(v[:, :4], v[:, 5], v[:, 4].long(), overlap)] = 1
        put(name, want, x=x)
    # An IoU of exactly the threshold is kept.
    x = torch.tensor([[[0, 0, 4, 4, 1, 0.9], [0, 0, 4, 2, 1, 0.8], [0, 0, 4, 3, 1, 0.7], [0, 0, 4, 3, 0, 0.1]]]).double()
    kept = ops.batched_nms(x[0, :, :4], x[0, :, 5], x[0, :, 4].long(), 0.5)
    want = torch.zeros(1, 4)
    want[0, kept] = 1
    put("nms_at", want, x=x)


def coco(found, there, classes, overlap):
    """pycocotools' mean average precision at one IoU, over the classes that are there."""
    image, note, result = [], [], []
    for i, (f, b) in enumerate(zip(found.numpy(), there.numpy())):
        image.append({"id": i + 1})
        for x0, y0, x1, y1, kind in b[b[:, 4] >= 0]:
            note.append({"id": len(note) + 1, "image_id": i + 1, "category_id": int(kind), "iscrowd": 0,
                         "bbox": [x0, y0, x1 - x0, y1 - y0], "area": (x1 - x0) * (y1 - y0)})
        for x0, y0, x1, y1, kind, score in f[f[:, 4] >= 0]:
            result.append({"image_id": i + 1, "category_id": int(kind), "bbox": [x0, y0, x1 - x0, y1 - y0], "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = {"images": image, "annotations": note, "categories": [{"id": k} for k in range(classes)]}
        gt.createIndex()
        dt = gt.loadRes(result) if result else COCO()
        if not result:
            dt.dataset = {"images": image, "annotations": [], "categories": gt.dataset["categories"]}
            dt.createIndex()
        e = COCOeval(gt, dt, "bbox")
        e.params.iouThrs = np.array([overlap])
        e.params.areaRng, e.params.areaRngLbl = [[0, 1e10]], ["all"]
        e.evaluate()
        e.accumulate()
    p = e.eval["precision"][0, :, :, 0, -1]  # [recalls, classes]; -1 where a class is not there
    p = p.mean(0)
    return p[p > -1].mean()


def second_opinion(found, there):
    m = torchmetrics.detection.MeanAveragePrecision(iou_thresholds=[0.5], rec_thresholds=np.linspace(0, 1, 101).tolist())
    for f, b in zip(found, there):
        f, b = f[f[:, 4] >= 0], b[b[:, 4] >= 0]
        m.update([{"boxes": f[:, :4], "scores": f[:, 5], "labels": f[:, 4].long()}], [{"boxes": b[:, :4], "labels": b[:, 4].long()}])
    return float(m.compute()["map"])


def precision_case(name, found, there, classes, overlap=0.5):
    want = coco(found, there, classes, overlap)
    if overlap == 0.5:
        other = second_opinion(found, there)
        assert abs(want - other) < 1e-6, (name, want, other)  # torchmetrics: f32
    put(name, want, found=found, there=there)


def average_precision():
    n, g, k, classes = 12, 3, 6, 4
    there = torch.cat([boxes(n, g), torch.from_numpy(rng.integers(-1, classes - 1, (n, g, 1))).double()], -1)
    guess = found(n, k, classes)  # the last class is nowhere
    for i in range(n):
        for j in range(g):  # near the truth, most of the same class
            guess[i, j, :4] = there[i, j, :4] + torch.from_numpy(rng.standard_normal(4))
            if rng.random() < 0.8:
                guess[i, j, 4] = there[i, j, 4]
            guess[i, j, 5] += 0.3
    precision_case("ap", guess, there, classes)
    precision_case("ap_strict", guess, there, classes, 0.75)
    one = [guess.clone(), there.clone()]
    for x in one:
        x[..., 4].clamp_(max=0)
    put("ap_any_class", coco(*one, 1, 0.5), found=guess, there=there)

    tied = guess.clone()
    tied[..., 5] = (tied[..., 5] * 3).round() / 4  # few scores
    precision_case("ap_ties", tied, there, classes)
    none = guess.clone()
    none[..., 4] = -1
    precision_case("ap_nothing_found", none, there, classes)
    some = guess.clone()
    some[::2, :, 4] = -1
    precision_case("ap_some_found", some, there, classes)
    twice = torch.cat([guess[:, :3], guess[:, :3]], 1)  # each found twice: the second one is wrong
    precision_case("ap_duplicates", twice, there, classes)
    perfect = torch.cat([there, torch.ones(n, g, 1)], -1)
    precision_case("ap_perfect", perfect, there, classes)

    # IoU of exactly 1/2: it counts. 3/8 and 5/8 do not and do; of two that overlap as much, the last is taken.
    b = torch.tensor([[[0, 0, 8, 8, 0], [20, 20, 28, 28, 0], [0, 0, 0, 0, -1]], [[0, 0, 8, 8, 0], [0, 4, 8, 12, 0], [9, 9, 10, 10, 1]]]).double()
    f = torch.tensor([[[0, 0, 8, 4, 0, 0.9], [20, 20, 28, 23, 0, 0.8]], [[0, 2, 8, 10, 0, 0.7], [0, 0, 8, 8, 0, 0.6]]]).double()
    precision_case("ap_exactly", f, b, 2)


def whole_set():
    """Boxes of 300 canvases as files, for what is compiled (f32); more than a short sort takes."""
    own = np.random.default_rng(33)
    n, g, k, classes = 300, 3, 6, 4
    low = own.random((n, g, 2)) * 30
    there = np.concatenate([low, low + 4 + own.random((n, g, 2)) * 12, own.integers(-1, classes, (n, g, 1))], -1).astype(np.float32)
    guess = np.concatenate([there[:, own.integers(0, g, k)], own.random((n, k, 1))], -1).astype(np.float32)
    guess[..., :4] += own.standard_normal((n, k, 4)) * 1.5
    guess[..., 2:4] = np.maximum(guess[..., 2:4], guess[..., :2] + 1)
    guess[..., 4] = np.where(own.random((n, k)) < 0.7, guess[..., 4], own.integers(0, classes, (n, k)))
    guess[..., 5] = guess[..., 5].round(2)  # ties
    np.save(HERE / "found.npy", guess)
    np.save(HERE / "there.npy", there)
    want = coco(torch.from_numpy(guess), torch.from_numpy(there), classes, 0.5)
    (HERE / "precision.txt").write_text(f"{want:.9f}\n")


def resized(x, height, width):
    return T.resize(torch.from_numpy(x)[None], [int(height), int(width)], antialias=True)[0].numpy()


def seen(x, threshold):
    rows, columns = np.nonzero(x > threshold)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0, 0, 0, 0]


def pasted():
    """Parts of other sizes on empty canvases, by torchvision; and the boxes of what is not black."""
    x = rng.random((4, 10, 12))
    x[x < 0.2] = 0
    x[0, :3], x[0, :, 9:] = 0, 0
    x[1, 8:], x[2] = 0, 0
    top, left, height, width = np.array([[0, 0, 10, 12], [3, 5, 20, 9], [12, 1, 5, 6], [2, 4, 14, 15]]).T
    want = np.zeros((4, 24, 26))
    for i in range(4):
        want[i, top[i] : top[i] + height[i], left[i] : left[i] + width[i]] = resized(x[i], height[i], width[i])
    put("pasted", want, x=x, **{k: v.astype(float) for k, v in (("top", top), ("left", left), ("height", height), ("width", width))})
    put("seen_box", [seen(v, 0.3) for v in x], x=x)


def canvases():
    """Up to three of the items on each canvas, at places and of sizes that are whole pixels."""
    n, count, rows, columns, least, most = 4, 3, 24, 26, 0.5, 2
    x = rng.random((n, 10, 10))
    x[x < 0.3] = 0
    x[1, :4], x[2, :, 7:], x[3] = 0, 0, 0
    label = np.array([2, 0, 1, 2])
    u = rng.random((n, count, 4))
    u[:, 0, 0] = [0.1, 0.5, 0.9, 0.99]  # 1, 2, 3 and 3 of them
    size = rng.integers(5, 21, (n, count))
    top, left = rng.integers(0, 4, (2, n, count))
    u[..., 1] = (size / 10 - least) / (most - least)
    u[..., 2], u[..., 3] = top / (rows - size), left / (columns - size)
    canvas, boxes = np.zeros((n, rows, columns)), np.zeros((n, count, 5))
    boxes[..., 4] = -1
    for i in range(n):
        for k in range(1 + int(count * u[i, 0, 0])):
            at = i if k == 0 else (i + 1 + int((n - 1) * u[i, k, 0])) % n
            t, l, s = top[i, k], left[i, k], size[i, k]
            part = canvas[i, t : t + s, l : l + s]
            part[:] = np.maximum(part, resized(x[at], s, s))
            x0, y0, x1, y1 = np.array(seen(x[at], 0.1)) * s / 10 + [l, t, l, t]
            if x1 > x0:  # the last item is black: it is nowhere
                boxes[i, k] = x0, y0, x1, y1, label[at]
    put("canvas", canvas, x=x, label=label, u=u)
    put("canvas_boxes", boxes, x=x, label=label, u=u)


def pooled():
    map, there = rng.standard_normal((2, 4, 5, 3)), np.array([[[0, 0, 9, 5], [6, 1, 20, 16]], [[3, 3, 5, 5], [2, 2, 7, 13]]])
    want = np.zeros((2, 2, 3))
    for i in range(2):
        for k, (x0, y0, x1, y1) in enumerate(there[i]):
            cells = [map[i, r, c] for r in range(4) for c in range(5) if x0 < 4 * c + 2 < x1 and y0 < 4 * r + 2 < y1]
            want[i, k] = np.mean(cells, 0) if cells else 0
    put("box_pool", want, map=map, boxes=there.astype(float))


def order():
    """Sorting by a network, and numbers that no seed changes (lowbias32 of Wellons 2018, twice)."""
    own = np.random.default_rng(32)
    x = own.standard_normal((3, 1100))
    x[:, ::3] = x[:, ::3].round(1)  # ties
    x[0, [5, 9, 700]] = np.nan
    x[1, [2, 3, 1099]] = np.inf, np.nan, -np.inf
    put("argsort_long", x.argsort(-1, kind="stable"), x=x)
    put("argsort_network", x[:, :37].argsort(-1, kind="stable"), x=x[:, :37])
    whole = own.integers(-5, 5, (2, 64)).astype(np.int32)
    put("argsort_whole", whole.argsort(-1, kind="stable"), x=whole)

    def mixed(v):
        v = v.astype(np.uint32)
        v = (v ^ (v >> np.uint32(16))) * np.uint32(0x7FEB352D)
        v = (v ^ (v >> np.uint32(15))) * np.uint32(0x846CA68B)
        return v ^ (v >> np.uint32(16))

    bits = mixed(mixed(np.arange(24).reshape(4, 3, 2)) + np.uint32(1))
    put("fixed_uniform", ((bits >> np.uint32(9)) + 0.5) * 2.0**-23, x=np.zeros((4, 3, 2)))


if __name__ == "__main__":
    for make in (overlaps, detection_loss, suppression, average_precision, pasted, canvases, pooled, order, whole_set):
        make()
    save_file(truth, HERE / "truth.safetensors")
