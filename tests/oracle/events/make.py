"""make.py FOLDER: writes an event file by TensorBoard's own writer; tensorboard 2.21. `oracle` is its output, and events.py reads it."""
import os
import sys

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

NUMBERS = [(1, "loss", 0.5), (127, "loss", 0.25), (128, "recent_loss", 3.0e-7), (2**40, "loss", -1.5)]


def write(path, events):
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())


def event(wall_time, step, tag, number):
    value = summary_pb2.Summary.Value(tag=tag, simple_value=number)
    return event_pb2.Event(wall_time=wall_time, step=step, summary=summary_pb2.Summary(value=[value]))


if __name__ == "__main__":
    first = event_pb2.Event(wall_time=1000.5, file_version="brain.Event:2")
    write(os.path.join(sys.argv[1], "oracle"), [first] + [event(1001.25, *number) for number in NUMBERS])
